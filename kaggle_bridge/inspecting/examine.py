"""Looks at what strangers' machines have sent, and packs agents.

`python -m kaggle_bridge.inspecting.examine`.

A child process without credentials, Django or JAX, within limits: an order (JSON) on the standard
input, one JSON object on the standard output. {"bad": sentence}: the thing is to blame.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
Order = dict[str, Any]


def main() -> int:
    order = json.load(sys.stdin)
    _bind(order)
    # One thread: each would take of the memory. To be said before NumPy is imported.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from kaggle_bridge.inspecting.evidence import Bad

    try:
        answer = DEEDS[order["do"]](order)
    except Bad as error:
        answer = {"bad": str(error)}
    json.dump(answer, sys.stdout, allow_nan=False)
    return 0


def _bind(order: Order) -> None:
    """Dies with its parent, and holds no more than it may."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != order["parent"]:  # it died before we could ask
        sys.exit(1)
    limits = {
        resource.RLIMIT_AS: order["memory_bytes"],
        resource.RLIMIT_CPU: order["cpu_s"],
        resource.RLIMIT_FSIZE: order["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in limits.items():
        _, most = resource.getrlimit(kind)
        value = value if most < 0 else min(value, most)
        resource.setrlimit(kind, (value, value))


def _look_at_output(order: Order) -> Order:
    from kaggle_bridge.inspecting import evidence

    return evidence.look(Path(order["folder"]), (order["run"], order["token"]))


def _look_at_upload(order: Order) -> Order:
    from kaggle_bridge.inspecting import evidence, unzip

    file, into = Path(order["file"]), Path(order["into"])
    if order["filename"].lower().endswith(".safetensors"):
        return evidence.look_at_file(file)
    unzip.unzip(file, into)
    return evidence.look(into, None)


def _export(order: Order) -> Order:
    from kaggle_bridge.inspecting.evidence import Bad
    from training import manifest
    from training.errors import TrainingError
    from training.export import export, misfit

    path, game = Path(order["checkpoint"]), order["game"]
    try:
        if problem := misfit(manifest.read(path), **game):
            raise Bad(problem)
        export(path, Path(order["out"]), order["move_seconds"])
    except TrainingError as error:
        raise Bad(error.message) from None
    return {}


DEEDS: dict[str, Callable[[Order], Order]] = {
    "output": _look_at_output,
    "upload": _look_at_upload,
    "export": _export,
}

if __name__ == "__main__":
    sys.exit(main())
