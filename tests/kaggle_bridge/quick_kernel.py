"""Stands in for JAX alone: reads the order out of a pushed kernel and leaves what a session leaves.

`python quick_kernel.py PLAN KERNEL`: PLAN is a JSON list, for each session of the run one deed, the
last one for all that follow: `all`, `half`, `piece`, `endless`, `killed`, `liar`, `nothing`,
`failed`, `refused`, `slow`.
"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

import numpy as np  # noqa: E402

from training import inputs, order, storage  # noqa: E402
from training.manifest import Manifest  # noqa: E402
from training.output import Output  # noqa: E402
from training.trainer import tell  # noqa: E402

PIECE = 100  # steps between two checkpoints


def main() -> int:
    plan, kernel = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]).read_text()
    told = order.load(re.search(r"ORDER = r'''(.*?)'''", kernel, re.DOTALL)[1])
    deed = plan[min(told.session, len(plan)) - 1]
    root = Path(os.environ["PALAESTRA_KAGGLE_ROOT"])
    scratch = root / "scratch"
    scratch.mkdir(exist_ok=True)
    output = Output(root / "working", told)
    output.begin()
    if deed == "nothing":
        return 1
    first = 0
    if told.resume:
        first = inputs.fetch(told, told.resume, root / "input", scratch).step
    tell("start", devices="1 x cpu", platform="cpu", versions={}, inputs=[], step=first,
         source_hash=told.source_hash)  # fmt: skip
    if deed in ("failed", "refused"):
        return end(output, deed, "As it was planned.", first, told)
    total = told.config["total_steps"]
    length = {"all": total, "piece": PIECE}.get(deed, total // 2)
    goal = min(first + length, total)
    for step in range(first + PIECE, goal + 1, PIECE):
        advance(output, told, scratch, step)
        if deed == "slow":
            time.sleep(0.3)
    if deed == "endless":
        time.sleep(600)
    if deed == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    has_all = goal >= total or deed == "liar"
    return end(output, "complete" if has_all else "stopped", "", goal, told)


def advance(output: Output, told: order.Order, scratch: Path, step: int) -> None:
    """The sums are made of all steps before, so that a lost or a repeated one shows."""
    before = sorted(scratch.glob("step_*.safetensors"), key=lambda path: path.stat().st_mtime_ns)
    weights = np.zeros(3, np.float32)
    if before:
        weights = storage.read(before[-1])[0]["params/weights"] * np.float32(0.5)
    manifest = Manifest(
        task=told.config["task"], step=step, config=dict(told.config),
        trackers={"saved": step, "latest": {"arena/elo": 1000.0 + step}},
        created="2026-01-01T00:00:00+00:00", source_hash=told.source_hash,
        environment={"name": "tictactoe", "version": "1.0.0", "configuration": {}},
    )  # fmt: skip
    path = scratch / f"step_{step}.safetensors"
    with path.open("wb") as file:
        storage.write(file, {"params/weights": weights + np.float32(step)}, manifest)
    line = {"step": step, "loss": 1 / step, "arena/elo": 1000.0 + step}
    output.metrics(json.dumps(line).encode() + b"\n")
    tell("metrics", line=line)
    name, entry = output.add(path)
    tell("checkpoint", file=name, **entry)
    output.resume(path)


def end(output: Output, state: str, reason: str, step: int, told: order.Order) -> int:
    code = {"complete": 0, "stopped": 0, "failed": 1, "refused": 2}[state]
    result = {
        "state": state, "exit_code": code, "reason": reason, "knob": "", "first_step": 0,
        "step": step, "total_steps": told.config["total_steps"], "seconds": 0.1, "report": {},
    }  # fmt: skip
    output.end(result)
    tell("end", state=state, reason=reason, step=step)
    return code


if __name__ == "__main__":
    sys.exit(main())
