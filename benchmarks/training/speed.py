"""Self-play with learning, moves a second; as a program, measured here and printed."""

import statistics
import subprocess
import sys

from benchmarks.measure import Row, seconds
from benchmarks.training import cores
from benchmarks.training.course import environment, updater

MUST, STRETCH = 9_000, 15_000
WARM, TIMED = 2, 12  # updates
SETTINGS = (
    "selfplay.network.kind=mlp",
    "selfplay.search.simulations=32",
)


def self_play() -> list[Row]:
    """In a process of its own, since JAX takes the cores that it finds when it starts."""
    command = [sys.executable, "-m", "benchmarks.training.speed"]
    here = environment() | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=here, capture_output=True, text=True, check=True)
    rate = float(done.stdout)
    return [
        Row(
            f"self-play with learning, MLP, 32 simulations, {cores.CORES} cores",
            f"{rate:,.0f} moves/s",
            f"{MUST:,}, better {STRETCH:,}",
            rate >= MUST,
        )
    ]


def moves_a_second() -> float:
    """The median update of the preset `connectx`, its learning included, compilation not."""
    update = updater("connectx", SETTINGS)
    for _ in range(WARM):
        update()
    steps: list[int] = []
    spent = [seconds(lambda: steps.append(update())) for _ in range(TIMED)]
    return statistics.mean(steps) / statistics.median(spent)


if __name__ == "__main__":
    cores.bind()
    print(moves_a_second())
