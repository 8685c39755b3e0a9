"""Runs the trials of a sweep one after the other, and goes on with the best of them.

Each trial is a small run of its own in `trials/001`, …; `sweep.jsonl` records those that have
ended and, in its last line, the best. A sweep that was cut goes on where it was.
"""

import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax

from training import checkpoint, config, manifest, runner, standings, summary
from training import task as tasks
from training.config import RunConfig
from training.errors import NoMemory, Refused
from training.json_lines import JsonLines
from training.manifest import ManifestError
from training.runner import METRICS, Setting
from training.standings import Result, Standing
from training.summary import FAILED, STOPPED, Outcome
from training.trials import Sweep, Trial, plan

RECORDS = "sweep.jsonl"


def run(run_config: RunConfig, sweep: Sweep, resume: str, setting: Setting) -> Outcome:
    """What is left of the sweep, and the run that its best trial becomes. Raises Refused."""
    return _Session(run_config, sweep, setting).run(resume)


class _Session:
    def __init__(self, run_config: RunConfig, sweep: Sweep, setting: Setting) -> None:
        self._config, self._sweep, self._setting = run_config, sweep, setting
        self._plan = plan(sweep, run_config.seed)
        self._records = JsonLines(setting.folder / RECORDS)
        self._results: list[Result] = []
        self._best: int | None = None
        self._began = time.monotonic()

    def run(self, resume: str) -> Outcome:
        self._check(resume)
        self._recall()
        if self._best is None:
            stopped = self._try_all()
            if stopped:
                return self._ended(stopped)
            ranking = standings.rank(self._results)
            if not ranking:
                return self._ended(self._hopeless())
            self._best = ranking[0].best_trial
            self._record({"best": self._best})
        return self._go_on(self._plan[self._best - 1])

    def _check(self, resume: str) -> None:
        """Raises Refused where the folder holds another kind of run, or is not to be gone on in."""
        folder = self._setting.folder
        if resume not in ("auto", "none"):
            raise Refused("A sweep goes on by itself: --resume takes auto or none here.")
        has_records = self._records.path.exists() or (folder / "trials").exists()
        if resume == "none" and has_records:
            raise Refused(
                f"{folder} holds a sweep: go on with --resume auto, or start in another folder."
            )
        if checkpoint.candidates(folder) and not has_records:
            raise Refused(f"{folder} holds a run that began without a sweep: take another folder.")

    def _recall(self) -> None:
        """What has been recorded, if it is of this sweep; raises Refused."""
        self._records.cut(lambda record: True)
        try:
            for record in self._records.read():
                if "best" in record:
                    self._best = self._plan[record["best"] - 1].number
                else:
                    self._results.append(self._of_plan(Result(**record)))
        except (IndexError, TypeError, ValueError):
            raise Refused(f"{self._records.path} was written by another sweep.") from None

    def _of_plan(self, result: Result) -> Result:
        """The result, if it is of a trial that is planned; raises IndexError or ValueError."""
        trial = self._plan[result.trial - 1]
        if (dict(trial.overrides), trial.seed) != (result.overrides, result.seed):
            raise ValueError
        return result

    def _try_all(self) -> Outcome | None:
        """Runs the trials that are left; how it ended, where the run is to end before they do."""
        tried = {result.trial for result in self._results}
        for trial in self._plan:
            if trial.number in tried:
                continue
            if self._is_spent():
                self._say(f"The sweep's {self._sweep.seconds:g} seconds are spent.")
                return None
            outcome = self._try(trial)
            if outcome.state == STOPPED:
                return outcome
        return None

    def _is_spent(self) -> bool:
        """Whether one trial more, as long as those before it, would pass the budget."""
        spent = [result.seconds for result in self._results]
        budget = self._sweep.seconds
        return bool(budget and spent) and sum(spent) + sum(spent) / len(spent) > (budget or 0)

    def _try(self, trial: Trial) -> Outcome:
        self._say(f"trial {trial.number} of {len(self._plan)}: {trial}")
        folder = self._folder_of(trial)
        folder.mkdir(parents=True, exist_ok=True)
        run = self._config_of(trial, self._sweep.steps)
        setting = replace(self._setting, folder=folder, about={}, is_trial=True)
        try:
            outcome = runner.run(run, "auto", setting)
        except NoMemory as error:
            self._setting.console.warn(error.message)
            outcome = self._outcome(FAILED, error.code, error.message)
        jax.clear_caches()  # the next trial is another program
        if outcome.state != STOPPED:
            result = standings.result_of(trial, outcome, tasks.load(run.task).OBJECTIVE)
            self._results.append(result)
            self._record(asdict(result))
        return outcome

    def _go_on(self, best: Trial) -> Outcome:
        """The best trial becomes the run: its settings, its metrics, and its newest state."""
        folder, resume = self._setting.folder, "auto"
        self._say(f"The best is trial {best.number}: {best}.")
        if not checkpoint.candidates(folder):
            resume = str(self._newest(self._folder_of(best)))
            self._copy_metrics(self._folder_of(best))
        run = self._config_of(best, self._config.total_steps)
        return runner.run(run, resume, replace(self._setting, about=self._about))

    def _newest(self, folder: Path) -> Path:
        """The newest sound checkpoint; raises Refused."""
        for path in checkpoint.candidates(folder):
            try:
                manifest.verify(path)
            except ManifestError as error:
                self._setting.console.warn(f"{error}; the checkpoint before it is used.")
            else:
                return path
        raise Refused(f"The best trial has left no sound checkpoint in {folder}.")

    def _copy_metrics(self, folder: Path) -> None:
        source, target = folder / METRICS, self._setting.folder / METRICS
        try:
            if source.exists():
                shutil.copyfile(source, target)
        except OSError as error:
            self._setting.console.warn(
                f"{METRICS} begins after the trial, whose own are in {folder}: {error.strerror}."
            )

    def _config_of(self, trial: Trial, steps: int) -> RunConfig:
        changed = config.changed(replace(self._config, sweep=None), trial.overrides)
        return replace(changed, seed=trial.seed, total_steps=steps)

    def _folder_of(self, trial: Trial) -> Path:
        return self._setting.folder / "trials" / f"{trial.number:03}"

    def _record(self, record: dict[str, Any]) -> None:
        error = self._records.append(record)
        if error:
            self._setting.console.warn(
                f"{RECORDS} cannot be written ({error.strerror}); the sweep goes on."
            )

    def _hopeless(self) -> Outcome:
        objective = tasks.load(self._config.task).OBJECTIVE
        reason = f"no trial gave a number for {objective}: {self._results[-1].reason}"
        return self._outcome(FAILED, 1, reason)

    def _outcome(self, state: str, code: int, reason: str) -> Outcome:
        seconds = time.monotonic() - self._began
        in_all = sum(result.seconds for result in self._results)
        return Outcome(state, code, reason, 0, self._config.total_steps, seconds, in_all)

    def _ended(self, trial: Outcome) -> Outcome:
        """The end of a sweep without a run after it."""
        outcome = self._outcome(trial.state, trial.code, trial.reason)
        summary.conclude(
            outcome, self._config, self._setting.folder, self._setting.console, self._about
        )
        return outcome

    @property
    def _about(self) -> dict[str, Any]:
        """The sweep in the summary."""
        ranking: list[Standing] = standings.rank(self._results)
        return {
            "sweep": {
                "objective": tasks.load(self._config.task).OBJECTIVE,
                "planned": len(self._plan),
                "trials": [asdict(result) for result in self._results],
                "candidates": [asdict(standing) for standing in ranking],
                "best_trial": self._best,
            }
        }

    def _say(self, line: str) -> None:
        self._setting.console.say(line)
