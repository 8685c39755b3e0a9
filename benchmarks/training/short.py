"""Training's part of `make bench`: what it costs. How strong it makes is for the long table."""

from benchmarks.measure import Row
from benchmarks.training.rules import rules
from benchmarks.training.speed import self_play


def short_table() -> list[Row]:
    # JAX fills the process with objects, which the parts before this one should not have to bear.
    from benchmarks.training.checkpoint import checkpoints

    return [*rules(), *self_play(), *checkpoints()]
