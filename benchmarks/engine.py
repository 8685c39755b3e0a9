"""The engine beside kaggle-environments, in turn in one process; its import, pages and memory."""

import contextlib
import importlib
import io
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import evaluation
from benchmarks.measure import Row, seconds

ROUNDS, IMPORTS = 5, 7
# Our engine plays the same episodes so many times, lest one pause of a busy machine decide.
OURS, OURS_STEPS = 20, 4
KAGGLE = "kaggle_environments"
PARTS = ("specification", "interpreter", "renderer", "html_renderer", "agents")
MEMORY = """
import os, evaluation
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
for number in range(1000):
    evaluation.make("connectx").run(["random", "random"])
    if number == 100:
        before = resident()
print(resident() - before)
"""

Make = Callable[..., Any]


def engine() -> list[Row]:
    make = kaggle()
    return [
        _episodes(
            "connectx, random against random", make, "connectx", {}, ["random"] * 2, 15, (65, 95)
        ),
        _episodes("connectx, two plain functions", make, "connectx", {}, [_drop] * 2, 15, (65, 95)),
        _episodes(
            "rps, 1,000 steps", make, "rps", {"episodeSteps": 1000}, ["rock", "paper"], 1, (28, 45)
        ),
        _overhead("hungry_geese", "greedy", make, (30, 50)),
        _overhead("halite", "random", make, (9, 15)),
        _import(make),
        _page(make),
        _memory(),
    ]


def kaggle() -> Make | None:
    """`make` of kaggle-environments where it is installed; what its import prints is dropped."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            make: Make = importlib.import_module(KAGGLE).make
    except ImportError:
        return None
    return make


def _drop(observation: Any, configuration: Any) -> int:
    board, columns = observation["board"], configuration["columns"]
    return random.choice([column for column in range(columns) if board[column] == 0])


def _episodes(
    what: str,
    theirs: Make | None,
    name: str,
    configuration: dict[str, Any],
    agents: list[Any],
    count: int,
    bounds: tuple[int, int],
) -> Row:
    """Episodes a second."""

    def rate(make: Make, repeats: int, seed: int) -> float:
        env = make(name, dict(configuration))

        def play() -> None:
            for _ in range(repeats):
                random.seed(seed)
                for _ in range(count):
                    env.run(list(agents))

        return repeats * count / seconds(play)

    return _compared(
        what,
        theirs,
        lambda make, seed: rate(make, OURS if make is evaluation.make else 1, seed),
        lambda ours, other: (ours / other, f"{ours:,.0f} and {other:.1f} a second"),
        bounds,
    )


def _overhead(name: str, agent: str, theirs: Make | None, bounds: tuple[int, int]) -> Row:
    """What a step takes outside the rules and the agents, which are theirs in both engines."""

    def step_s(make: Make, seed: int) -> float:
        watch = _Watch()
        module = vars(importlib.import_module(f"{KAGGLE}.envs.{name}.{name}"))
        game = {part: module[part] for part in PARTS}
        game["interpreter"] = watch.timed(module["interpreter"])
        agents = [watch.timed(module["agents"][agent])] * 4
        env = make(game, {"episodeSteps": 60, "randomSeed": seed})
        whole, steps = 0.0, 0
        for _ in range(OURS_STEPS if make is evaluation.make else 1):
            random.seed(seed)
            whole += seconds(lambda: env.run(agents))
            steps += len(env.steps) - 1
        return (whole - watch.seconds) / steps

    return _compared(
        f"{name}, a step outside rules and agents",
        theirs,
        step_s,
        lambda ours, other: (other / ours, f"{ours * 1e6:.0f} and {other * 1e6:,.0f} µs"),
        bounds,
    )


class _Watch:
    """Adds up the seconds that functions take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Any) -> Callable[[Any, Any], Any]:
        """The function, with the two parameters that an interpreter and an agent may have."""
        count = function.__code__.co_argcount

        def wrapper(first: Any, second: Any) -> Any:
            started = perf_counter()
            try:
                return function(*(first, second)[:count])
            finally:
                self.seconds += perf_counter() - started

        return wrapper


def _compared(
    what: str,
    theirs: Make | None,
    measure: Callable[[Make, int], float],
    ratio: Callable[[float, float], tuple[float, str]],
    bounds: tuple[int, int],
) -> Row:
    """The median round by its ratio; the first, unmeasured one warms both up."""
    wanted = f"{bounds[0]} times, better {bounds[1]}"
    if theirs is None:
        return Row(what, "kaggle-environments is not installed", wanted)
    rounds = [
        ratio(measure(evaluation.make, seed), measure(theirs, seed)) for seed in range(ROUNDS + 1)
    ]
    times, figures = sorted(rounds[1:])[ROUNDS // 2]
    return Row(what, f"{times:.1f} times ({figures})", wanted, times >= bounds[0])


def _import(theirs: Make | None) -> Row:
    """Beyond the start of an interpreter."""
    modules = {"": "pass", "evaluation": "import evaluation"}
    if theirs:
        modules[KAGGLE] = f"import {KAGGLE}"
    rounds = [
        {name: seconds(lambda code=code: _python(code)) for name, code in modules.items()}
        for _ in range(IMPORTS)
    ]
    median = {name: statistics.median(each[name] for each in rounds) for name in modules}
    ours = median["evaluation"] - median[""]
    other = f" (kaggle-environments: {median[KAGGLE] - median['']:.2f} s)" if theirs else ""
    measured = f"{ours * 1000:.0f} ms{other}"
    return Row("import", measured, "60 ms, better 30", ours < 0.060)


def _page(theirs: Make | None) -> Row:
    def size(make: Make) -> float:
        random.seed(5)
        env = make("connectx")
        env.run(["random", "random"])
        return len(env.render(mode="html").encode()) / 1000

    ours = size(evaluation.make)
    other = f" (kaggle-environments: {size(theirs):.0f} KB)" if theirs else ""
    return Row("page of a connectx replay", f"{ours:.0f} KB{other}", "60 KB, better 30", ours < 60)


def _memory() -> Row:
    grown = int(_python(MEMORY)) / 1e6
    return Row(
        "memory gained from episode 100 to 1,000", f"{grown:.1f} MB", "none (1 MB)", grown < 1
    )


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout
