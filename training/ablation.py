"""`python -m training ablation`: what a foraging population owes to its field, evolution, weights.

The checkpoint's own configuration is used; a table is told, JSON and a plot are written.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jax
import numpy as np

from evaluation.envs.foraging.world import World
from training import ablation_figures as figures
from training import ablation_people, ablation_plot, devices, memory
from training.ablation_conditions import CASES, Case, People, play, setup
from training.ablation_figures import HEADER, Episodes, Row
from training.console import Console
from training.errors import Refused, TrainingError
from training.export import newest
from training.folder import replacing
from training.foraging_config import Config

FEWEST_EPISODES, MOST_EPISODES = 8, 1024  # intervals over fewer would say too much
JSON_NAME, PLOT_NAME = "ablation.json", "ablation.svg"


def ablation(path: Path, count: int = 20, seed: int = 0, out: Path | None = None) -> list[Row]:
    """Plays so many episodes of each condition, tells the table and writes JSON and plot.

    path: a checkpoint, or the folder of a run, whose newest one is taken. out: the folder that is
    written to, else the checkpoint's own. Of one seed all conditions meet the same maps, founders
    and chances. Raises Refused where the checkpoint or a number cannot be used.
    """
    if not FEWEST_EPISODES <= count <= MOST_EPISODES:
        raise Refused(
            f"An ablation wants {FEWEST_EPISODES} to {MOST_EPISODES:,} episodes, not {count:,}."
        )
    file = newest(path)
    folder = writable(out or file.parent)
    devices.choose("any")
    settings, people, found = ablation_people.read(file)
    console = Console()
    console.say(f"{file}: step {found.step:,}, {count} episodes of {settings.world.max_steps}")
    console.say(HEADER)
    rows = run(settings, people, count, seed, console)
    report = {
        "checkpoint": file.name,
        "step": found.step,
        "episodes": count,
        "seed": seed,
        "rows": [figures.as_json(row) for row in rows],
    }
    title = f"Items delivered under each condition, {count} episodes, step {found.step:,}"
    _write(folder / JSON_NAME, json.dumps(report, indent=1) + "\n")
    _write(folder / PLOT_NAME, ablation_plot.chart(title, rows))
    console.say(f"{folder / JSON_NAME}, {folder / PLOT_NAME}")
    return rows


def run(settings: Config, people: People, count: int, seed: int, console: Console) -> list[Row]:
    """The rows of all conditions, each told as soon as it is known.

    Raises NoMemory where so many episodes at once do not fit.
    """
    program = _compiled(settings, people, count)
    played: dict[str, Episodes] = {}
    rows: list[Row] = []
    each = count * settings.world.max_steps
    with console.progress(0, each * len(CASES)):
        for number, case in enumerate(CASES, 1):
            played[case.name] = _played(settings.world, program, people, seed, case, played)
            row = figures.row(
                case.name, played[case.name], case.reference, played.get(case.reference)
            )
            rows.append(row)
            console.advance(number * each)
            console.say(str(row))
    return rows


def _compiled(settings: Config, people: People, count: int) -> jax.stages.Compiled:
    """play for these numbers, of any condition."""
    any_case, key = setup(CASES[0], 0), jax.random.key(0)
    program = play.lower(settings, count, people, any_case, key).compile()
    there = memory.available(jax.local_devices()[0])
    memory.check(memory.of_update(program), there, "--num-episodes")
    return program


def _played(
    world: World,
    program: jax.stages.Compiled,
    people: People,
    seed: int,
    case: Case,
    played: Mapping[str, Episodes],
) -> Episodes:
    """Where none is born or dies, there are as many as live at a time in the normal condition."""
    usual = np.mean(played["normal"]["population"]) if played else world.num_agents
    crowd = int(np.clip(round(float(usual)), 1, world.max_agents))
    tally = program(people, setup(case, crowd), jax.random.key(seed))
    return {name: np.asarray(each) for name, each in tally._asdict().items()}


def writable(folder: Path) -> Path:
    """A folder that is made where it is missing; raises Refused where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Refused(
            f"Nothing can be written to {folder} ({error.strerror}): give a folder with --out."
        ) from None
    return folder


def _write(path: Path, text: str) -> None:
    try:
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise TrainingError(f"{path} cannot be written ({error.strerror}).") from None
