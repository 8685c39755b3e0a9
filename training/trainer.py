"""The process of a session that holds the accelerator: it says what it finds, then trains.

`python -m training.trainer ORDER.json INPUT ENDS` trains in the folder `run` beside the order,
until the clock (time.monotonic) is at ENDS. Whoever started it reads what it tells from stdout.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from training import inputs, order
from training.errors import Refused, TrainingError
from training.order import Order
from training.stop import Stop

MARK = "palaestra: "  # before what is told, one JSON object a line
RUN = "run"
GPU = ("gpu", "cuda", "rocm")  # names that JAX has or had for it
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def main() -> int:
    """The exit code, as `python -m training run` has it."""
    path, input_folder, ends = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    die_with_parent()
    stop = Stop(round(max(ends - time.monotonic(), 0.001), 3))
    stop.install()
    try:
        code = _train(order.load(path.read_text("utf-8")), path.with_name(RUN), input_folder, stop)
    except TrainingError as error:
        tell("outcome", code=error.code, reason=error.message, step=None)
        code = error.code
    if stop.abandoned:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)  # a thread is compiling, and the interpreter would wait for it
    return code


def tell(kind: str, **facts: Any) -> None:
    """Characters beyond ASCII are escaped, so that no log and no terminal can break the line."""
    with contextlib.suppress(OSError):
        print(f"{MARK}{json.dumps({'kind': kind, **facts})}", flush=True)


def die_with_parent() -> None:
    """From now on the end of the process that started this one asks it to end, too."""
    with contextlib.suppress(AttributeError, OSError):  # Linux alone can do that
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


def _train(order: Order, folder: Path, input_folder: Path, stop: Stop) -> int:
    from training import config, program, runner  # JAX takes a second
    from training.console import Console
    from training.lock import locked
    from training.runner import Setting

    _check_machine(order, input_folder)
    run = config.from_dict({**order.config, "device": order.accelerator})
    if run.sweep is not None:
        raise Refused(
            "A session has no place for a sweep, which lives on in the folder of its run."
        )
    tell("knobs", knobs=program.knobs(run))
    with locked(folder):
        outcome = runner.run(run, "auto", Setting(folder, stop, Console()))
    tell("outcome", code=outcome.code, reason=outcome.reason, step=outcome.step)
    return outcome.code


def _check_machine(order: Order, input_folder: Path) -> None:
    """Tells what there is; raises Refused where it is not what was asked for."""
    import jax

    from training import devices, source

    wanted = order.accelerator
    try:
        devices.choose("cpu" if wanted == "cpu" else "any")
        platform, described = jax.devices()[0].platform, devices.describe()
    except RuntimeError as error:
        platform, described = "none", f"none ({error})"
    tell(
        "start",
        devices=described,
        platform=platform,
        versions=source.versions(),
        inputs=inputs.listing(input_folder),
        step=order.resume.step if order.resume else 0,
        source_hash=source.source_hash(),
    )
    if platform not in (GPU if wanted == "gpu" else (wanted,)):
        raise Refused(
            f"This session was to have a {wanted.upper()}, and JAX finds {described}: choose the "
            "accelerator again, or try later; a place may have none left."
        )
    if source.source_hash() != order.source_hash:
        raise Refused("The sources of this session are not those that were sent.")


if __name__ == "__main__":
    sys.exit(main())
