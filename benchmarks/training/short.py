"""Training's part of `make bench`: what it costs; how strong it makes is the long table's."""

from benchmarks.measure import Row
from benchmarks.training.speed import self_play


def short_table() -> list[Row]:
    return [*self_play()]
