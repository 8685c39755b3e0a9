"""Runs a task from its first step, or its last checkpoint, to its end; the same to the bit.

A run may be cut at any moment. All that its course depends on is in `Progress`, and every
checkpoint holds all of it. Between updates come, in this order and where they are due: evaluation,
a line of metrics, a regular checkpoint. A signal or the deadline makes an emergency checkpoint
instead; what was due is then done first thing after the resumption.
"""

import json
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax

from training import resume as resuming
from training import summary
from training.checkpoint import CheckpointError
from training.config import RunConfig
from training.console import Console
from training.errors import Refused, TrainingError
from training.json_lines import JsonLines
from training.metrics import Trackers, crossed, finite, trackers_from_dict
from training.program import Program
from training.resume import Origin
from training.saver import Progress, Saver
from training.stop import Stop, Stopped
from training.summary import COMPLETE, FAILED, STOPPED, Outcome

METRICS = "metrics.jsonl"
SLOW_TIMES = 3
SLOW_SECONDS = 4.0  # an update of this length leaves too little of five seconds for the saving


@dataclass(frozen=True)
class Setting:
    """Where a run lives and what it talks to.

    about: more to tell in its summary. is_trial: its last state is evaluated, whatever the
    interval, which leaves no trace in the run itself.
    """

    folder: Path
    stop: Stop
    console: Console
    about: Mapping[str, Any] = field(default_factory=dict)
    is_trial: bool = False


def run(run_config: RunConfig, resume: str, setting: Setting) -> Outcome:
    """One session of a run in its folder, which the caller has locked; leaves a summary there.

    resume: auto, none or the path of a checkpoint. Raises Refused, with nothing changed in the
    folder, where the run must not start.
    """
    return _Session(run_config, setting).run(resume)


class _Session:
    def __init__(self, run_config: RunConfig, setting: Setting) -> None:
        self._config, self._setting = run_config, setting
        self._stop, self._console = setting.stop, setting.console
        self._lines = JsonLines(setting.folder / METRICS)
        self._began = time.monotonic()
        self._earlier_seconds = 0.0
        self._rate_from = (0, self._began)
        self._save_failed = False
        self._slow_updates = 0
        self._progress: Progress | None = None
        self._program: Program
        self._saver: Saver

    def run(self, resume: str) -> Outcome:
        try:
            outcome = self._attempt(resume)
        except Refused:
            raise
        except Exception as error:
            outcome = self._failed(error)
        if self._lines.flush():
            self._console.warn(
                f"{len(self._lines.pending)} lines are missing in {METRICS}; the last checkpoint "
                "has them: start the run again when the disk has room."
            )
        setting = self._setting
        summary.conclude(outcome, self._config, setting.folder, self._console, setting.about)
        return outcome

    def _attempt(self, resume: str) -> Outcome:
        try:
            if not self._start(resume):
                self._train()
            metrics = self._judge() if self._setting.is_trial else {}
        except Stopped:
            reason = self._stop.reason
            return self._outcome(STOPPED, self._stop.code, f"{reason}; {self._rescue()}")
        outcome = self._outcome(COMPLETE, 0, "all steps are done")
        return replace(outcome, metrics={**outcome.metrics, **metrics})

    # How it begins

    def _start(self, resume: str) -> bool:
        """Everything up to the first update; whether the run is finished and needs none."""
        self._program = program = self._stop.attend(lambda: Program(self._config))
        folder, warn = self._setting.folder, self._console.warn
        origin = resuming.find(folder, resume, self._config, program.shapes, warn)
        self._saver = Saver(folder, self._config, program.environment, warn)
        if origin and self._is_finished(origin):
            self._progress = _progress_of(origin)
            self._tidy_lines()
            self._console.say(f"This run is finished: {origin.path} is at step {self._step:,}.")
            return True
        self._say_start(origin)
        if origin is None or origin.manifest.step < self._config.total_steps:
            self._stop.attend(program.compile)
        if origin:
            self._take_up(origin)
        else:
            self._progress = Progress(self._stop.attend(program.init), 0, Trackers())
        self._tidy_lines()
        self._rate_from = (self._step, time.monotonic())
        return False

    def _is_finished(self, origin: Origin) -> bool:
        step = origin.manifest.step
        return step >= self._config.total_steps and self._saver.has_regular(step)

    def _say_start(self, origin: Origin | None) -> None:
        total, folder = self._config.total_steps, self._setting.folder
        if origin is None:
            self._console.say(f"starts at step 0 of {total:,} in {folder}")
            return
        self._console.say(
            f"goes on at step {origin.manifest.step:,} of {total:,} from {origin.path}"
        )
        for line in resuming.differences(origin.manifest, self._saver.manifest):
            self._console.warn(line)

    def _take_up(self, origin: Origin) -> None:
        progress = _progress_of(origin)
        self._progress = replace(progress, state=self._program.place(progress.state))
        self._earlier_seconds = progress.trackers.clocks.get("seconds", 0.0)

    def _tidy_lines(self) -> None:
        """metrics.jsonl as it was at the checkpoint: what came after it will come again."""
        trackers = self._now.trackers
        last = trackers.logged
        if trackers.unwritten:
            last = json.loads(trackers.unwritten[0])["step"] - 1
        self._lines.cut(lambda line: isinstance(line.get("step"), int) and line["step"] <= last)
        self._lines.pending.extend(trackers.unwritten)
        self._lines.flush()

    # How it goes

    @property
    def _now(self) -> Progress:
        if self._progress is None:
            raise TrainingError("The run has not begun.")
        return self._progress

    @property
    def _step(self) -> int:
        return self._progress.step if self._progress else 0

    def _train(self) -> None:
        with self._console.progress(self._step, self._config.total_steps):
            while not self._stop.requested:
                self._settle()
                if self._step >= self._config.total_steps:
                    return
                if not self._stop.requested:
                    self._advance()
        raise Stopped

    def _advance(self) -> None:
        before, began = self._now, time.monotonic()
        state, step, metrics = self._program.update(before.state)
        self._progress = Progress(state, step, before.trackers.add(metrics))
        if step <= before.step:
            raise TrainingError(f"The task did not count its steps: {before.step}, then {step}.")
        self._console.advance(step)
        self._slow_updates += time.monotonic() - began > SLOW_SECONDS
        if self._slow_updates == SLOW_TIMES:
            self._console.warn(
                f"An update takes more than {SLOW_SECONDS:g} seconds, and signals wait for its "
                f"end: turn down {self._program.knobs}."
            )

    def _settle(self) -> None:
        """What is due at this step."""
        evaluates = self._program.evaluates and self._is_due("evaluate")
        is_logged = evaluates or self._is_due("log")
        if is_logged:
            self._log(evaluates)
        if self._is_due("save") and (is_logged or not self._save_failed):
            self._save()
        is_last = self._step >= self._config.total_steps
        if (
            is_last
            and not self._saver.has_regular(self._step)
            and not self._saver.regular(self._dated)
        ):
            raise TrainingError("All steps are done, and the last checkpoint could not be saved.")

    def _is_due(self, what: str) -> bool:
        trackers, run = self._now.trackers, self._config
        before, interval = {
            "evaluate": (trackers.evaluated, run.evaluate_interval),
            "log": (trackers.logged, run.log_interval),
            "save": (trackers.saved, run.save_interval),
        }[what]
        return crossed(before, self._step, interval)

    def _log(self, evaluates: bool) -> None:
        """A line: the means of the interval, its events, and the evaluation if one closes it."""
        now, state, evaluation = self._now, self._now.state, None
        events = self._program.events(state, now.trackers.logged)
        if evaluates:
            state, evaluation = self._stop.attend(lambda: self._program.evaluate(now.state))
        trackers, values = now.trackers.with_line(now.step, evaluation)
        self._progress = Progress(state, now.step, trackers)
        metrics, rate = finite(values), self._rate()
        clocks = {"seconds": round(self._seconds_in_all, 3), "steps_per_second": rate}
        updates = now.trackers.interval.updates
        line = {"step": now.step, "updates": updates, **metrics, **clocks}
        self._append(line | ({"events": events} if events else {}))
        shown = self._program.headline(metrics)
        self._console.log(now.step, self._config.total_steps, shown, rate)
        for name in (name for name, value in metrics.items() if value is None):
            self._console.warn(f"The metric {name} is no finite number any more.")

    def _append(self, line: Mapping[str, Any]) -> None:
        error = self._lines.append(line)
        trackers = replace(self._now.trackers, unwritten=tuple(self._lines.pending))
        self._progress = replace(self._now, trackers=trackers)
        if error:
            self._console.warn(
                f"{METRICS} cannot be written ({error.strerror}); the run goes on and tries again."
            )

    def _save(self) -> None:
        saved = replace(self._now, trackers=replace(self._now.trackers, saved=self._step))
        before, self._progress = self._progress, saved
        self._save_failed = not self._saver.regular(self._dated)
        if self._save_failed:
            self._progress = before

    @property
    def _dated(self) -> Progress:
        """As it is to be saved, with the clocks of this moment."""
        now = self._now
        clocks = {"seconds": round(self._seconds_in_all, 3)}
        return replace(now, trackers=replace(now.trackers, clocks=clocks))

    # How it ends

    def _judge(self) -> Mapping[str, float]:
        """The evaluation of the last state, if it has not been evaluated yet."""
        now = self._now
        if not self._program.evaluates or now.trackers.evaluated == now.step:
            return {}
        _, metrics = self._stop.attend(lambda: self._program.evaluate(now.state))
        return {name: float(value) for name, value in metrics.items()}

    def _rescue(self) -> str:
        """An emergency checkpoint of the last completed state, if it is alive; what came of it."""
        if self._progress is None:
            return "nothing had been computed yet"
        lost = "the state was lost with the update that failed"
        if any(leaf.is_deleted() for leaf in jax.tree.leaves(self._progress.state)):
            return lost
        try:
            path = self._saver.emergency(self._dated)
        except CheckpointError as error:
            return str(error)
        except RuntimeError:  # deleted under another name, with which it shared its memory
            return lost
        return f"saved {path.name}" if path else "the state could not be saved"

    def _failed(self, error: Exception) -> Outcome:
        reason = error.message if isinstance(error, TrainingError) else _in_short(error)
        if "RESOURCE_EXHAUSTED" in str(error):
            reason = f"The memory did not suffice: turn down {self._program.knobs}."
        elif not isinstance(error, TrainingError):
            self._console.error("".join(traceback.format_exception(error)).rstrip())
        reason = f"{reason.rstrip('.')}; {self._rescue()}."
        return self._outcome(FAILED, 1, reason)

    def _outcome(self, state: str, code: int, reason: str) -> Outcome:
        trackers = self._progress.trackers if self._progress else Trackers()
        seconds = time.monotonic() - self._began
        return Outcome(
            state=state,
            code=code,
            reason=reason,
            step=self._step,
            total_steps=self._config.total_steps,
            seconds=seconds,
            seconds_in_all=self._earlier_seconds + seconds,
            metrics=trackers.current,
        )

    @property
    def _seconds_in_all(self) -> float:
        return self._earlier_seconds + time.monotonic() - self._began

    def _rate(self) -> float:
        """Steps a second since the last line, or since the run was taken up."""
        (step, since), now = self._rate_from, time.monotonic()
        self._rate_from = (self._step, now)
        return round((self._step - step) / max(now - since, 1e-9), 3)


def _in_short(error: Exception) -> str:
    """One line; where the message is a traceback from within JAX, its last one."""
    lines = str(error).strip().splitlines() or [""]
    line = lines[-1] if "Traceback" in lines[0] else lines[0]
    return f"{type(error).__name__}: {line}"


def _progress_of(origin: Origin) -> Progress:
    try:
        trackers = trackers_from_dict(origin.manifest.trackers)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused(f"{origin.path} does not say how far its metrics are.") from None
    step = origin.manifest.step
    if int(origin.state.step) != step or max(trackers.logged, trackers.evaluated) > step:
        raise Refused(f"{origin.path} contradicts itself: its step is not that of its state.")
    return Progress(origin.state, step, trackers)
