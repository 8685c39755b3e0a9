"""One session of a run, in a Kaggle kernel or in what stands in for one.

`python -m training.session ORDER.json` knows no JAX: the trainer is its child. Whatever becomes of
that, killed for its memory included, what it has saved lies in `working`, and result.json says
how it ended and what to turn.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import folder, inputs, order
from training.child import Tail, Trainer, object_of
from training.errors import Refused
from training.output import METRICS, Output
from training.stop import DEADLINE_CODE, Stop
from training.trainer import RUN, die_with_parent, tell

ROOT = "PALAESTRA_KAGGLE_ROOT"
COMPLETE, STOPPED, FAILED, REFUSED = "complete", "stopped", "failed", "refused"
LOOK_S = 0.1
LEAST_MARGIN_S, MOST_MARGIN_S, MARGIN = 60.0, 900.0, 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    """0: complete, or stopped at the deadline; 1: failed; 2: refused; 128 + n: by signal n."""
    parser = argparse.ArgumentParser(prog="python -m training.session", description=__doc__)
    parser.add_argument("order", type=Path, metavar="ORDER.json")
    parser.add_argument("--began", type=float, default=time.monotonic(), metavar="CLOCK")
    options = parser.parse_args(arguments)
    die_with_parent()
    try:
        return Session(options.order, options.began).run()
    except Refused as error:
        tell("end", state=REFUSED, reason=error.message, step=0)
        return error.code


def margin(session_s: float) -> float:
    """Seconds before the end of a session in which nothing is trained any more."""
    return max(LEAST_MARGIN_S, min(MOST_MARGIN_S, MARGIN * session_s))


@dataclass(frozen=True)
class Ending:
    state: str
    code: int
    reason: str
    knob: str = ""


class Session:
    """began: the clock (time.monotonic) when the session did. Raises Refused for a bad order."""

    def __init__(self, path: Path, began: float) -> None:
        self._path, self._began = path, began
        self._order = order.load(path.read_text("utf-8"))
        root = Path(os.environ.get(ROOT, "/kaggle"))
        self._input, self._run = root / "input", path.with_name(RUN)
        self._output = Output(root / "working", self._order)
        self._metrics = Tail(self._run / METRICS)
        self._wanted = list(self._order.wanted)
        self._looked = -1  # regular checkpoints up to this step have been looked at
        self._complaint = ""
        self._stop = Stop()
        self._trainer: Trainer | None = None

    def run(self) -> int:
        self._stop.install()
        try:
            ending = self._attempt()
        except Refused as error:
            ending = Ending(REFUSED, error.code, error.message)
        except OSError as error:
            ending = Ending(FAILED, 1, _of_disk(error))
        return self._conclude(ending)

    def _attempt(self) -> Ending:
        self._output.begin()
        self._run.mkdir()
        if self._order.resume:
            self._take_up()
        with self._started() as trainer:
            is_late = self._attend(trainer)
        self._look()
        if is_late:
            return Ending(STOPPED, 0, "the trainer did not end at its deadline, and was killed")
        return self._ending(trainer)

    def _take_up(self) -> None:
        """The checkpoint to go on from. What its run has saved before is wanted no more."""
        assert self._order.resume
        found = inputs.fetch(self._order, self._order.resume, self._input, self._run)
        saved = found.trackers.get("saved", 0)
        self._wanted = [step for step in self._wanted if step > saved]
        self._look()

    @contextlib.contextmanager
    def _started(self) -> Iterator[Trainer]:
        arguments = [str(self._path), str(self._input), str(self._ends)]
        self._trainer = trainer = Trainer(arguments, self._path.parent)
        try:
            yield trainer
        finally:
            trainer.end()

    @property
    def _ends(self) -> float:
        """When the trainer shall, by the clock."""
        return self._began + self._order.session_s - margin(self._order.session_s)

    def _attend(self, trainer: Trainer) -> bool:
        """Until the trainer has ended; whether it had to be killed, long after its deadline."""
        last_moment = self._ends + margin(self._order.session_s) / 2
        while not trainer.has_ended(LOOK_S):
            if self._stop.requested:
                trainer.ask(self._stop.code - 128)
            if time.monotonic() > last_moment:
                return True
            try:
                self._look()
            except OSError as error:
                self._complain(_of_disk(error))
        return False

    def _complain(self, complaint: str) -> None:
        """Once, and goes on: there may be room again later."""
        if complaint != self._complaint:
            self._complaint = complaint
            with contextlib.suppress(OSError):
                print(f"Warning: {complaint}", flush=True)

    # What there is to see

    def _look(self) -> None:
        """Passes on what the trainer has written since the last look. Raises OSError."""
        for line in self._metrics.lines():
            self._output.metrics(line)
            if record := object_of(line):
                tell("metrics", line=record)
        found = folder.candidates(self._run)
        for path in reversed(found):
            if not folder.is_emergency(path) and folder.step_of(path) > self._looked:
                self._consider(path)
        if found and not self._output.has(found[0]):
            self._publish(self._output.resume, found[0])

    def _consider(self, path: Path) -> None:
        step = folder.step_of(path)
        if self._wanted and self._wanted[0] <= step:
            self._publish(self._output.add, path)
            self._wanted = [each for each in self._wanted if each > step]
        self._looked = step

    def _publish(self, take: Any, path: Path) -> None:
        try:
            name, entry = take(path)
        except FileNotFoundError:
            if path.exists():
                raise
            return  # it has made room for newer ones meanwhile
        tell("checkpoint", file=name, **entry)

    # How it ends

    def _ending(self, trainer: Trainer) -> Ending:
        told, knobs = trainer.outcome, trainer.knobs
        if told:
            reason = told["reason"]
            if knobs and knobs in reason:
                return _of_code(told["code"], reason.replace(f": turn down {knobs}", ""), knobs)
            return _of_code(told["code"], reason)
        if self._stop.requested:
            return _of_code(self._stop.code, self._stop.reason)
        if trainer.code == -signal.SIGKILL:
            return Ending(FAILED, 1, "The trainer was killed: most likely memory ran out.", knobs)
        return Ending(
            FAILED, 1, f"The trainer ended with the exit code {trainer.code}: {trainer.last_line}"
        )

    def _conclude(self, ending: Ending) -> int:
        told = self._trainer.outcome.get("step") if self._trainer else None
        step = told if told is not None else self._output.step
        result = {
            "state": ending.state,
            "exit_code": ending.code,
            "reason": ending.reason,
            "knob": ending.knob,
            "first_step": self._order.resume.step if self._order.resume else 0,
            "step": step,
            "total_steps": self._order.config.get("total_steps", 0),
            "seconds": round(time.monotonic() - self._began, 3),
            "report": self._trainer.report if self._trainer else {},
        }
        code = ending.code
        try:
            self._output.end(result)
        except OSError as error:
            self._complain(_of_disk(error))
            code = code or 1
        tell("end", state=ending.state, reason=ending.reason, step=step)
        return code


def _of_code(code: int, reason: str, knob: str = "") -> Ending:
    """code: of the trainer. One that stops at its deadline has done what it should."""
    states = {0: COMPLETE, 1: FAILED, 2: REFUSED}
    return Ending(states.get(code, STOPPED), 0 if code == DEADLINE_CODE else code, reason, knob)


def _of_disk(error: OSError) -> str:
    return f"{error.filename or 'The output'} cannot be written: {error.strerror}."


if __name__ == "__main__":
    sys.exit(main())
