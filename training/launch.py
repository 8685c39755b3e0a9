"""From the options of `python -m training run` to a run: config, device, folder, first lines."""

from collections.abc import Sequence
from pathlib import Path

from training import config, devices, runner, source, sweep
from training.config import RunConfig
from training.console import Console
from training.lock import locked
from training.runner import Setting
from training.stop import Stop


def launch(name: str, overrides: Sequence[str], folder: Path, resume: str, stop: Stop) -> int:
    """The exit code. Raises TrainingError where there is nothing to run."""
    run = config.load(name, overrides)
    devices.choose(run.device)
    console = Console()
    with locked(folder):
        _introduce(run, name, console)
        setting = Setting(folder, stop, console)
        if run.sweep is not None:
            return sweep.run(run, run.sweep, resume, setting).code
        return runner.run(run, resume, setting).code


def _introduce(run: RunConfig, name: str, console: Console) -> None:
    versions = ", ".join(f"{name} {version}" for name, version in source.versions().items())
    console.say(f"devices: {devices.describe()}")
    console.say(f"versions: {versions}")
    console.say(f"seed: {run.seed}")
    console.say(f"source: {source.source_hash()}")
    console.say(f"config: {name} (task {run.task})")
