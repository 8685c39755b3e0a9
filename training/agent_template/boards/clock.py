"""How long to think: no longer than the agent was told, nor than the game's clock allows."""

import math
from time import perf_counter, thread_time
from typing import Any

from training.agent_template.shown import read

FOREVER_S = 1e9
SHARE = 0.8  # of the game's clock that may be used up
MARGIN_S = 0.004  # for what comes after the last look at a clock


class Clock:
    """Starts when it is made. own: seconds of this thread's processor time, which is what a fair
    engine charges on a crowded machine; wall: of the world's time."""

    def __init__(self, own: float = FOREVER_S, wall: float = FOREVER_S) -> None:
        self.own, self.wall = thread_time() + own, perf_counter() + wall

    def left(self) -> float:
        return min(self.own - thread_time(), self.wall - perf_counter())


def clock_of_move(
    observation: Any, configuration: Any, move_seconds: float, spent: float = 0.0
) -> Clock:
    """spent: seconds of this move that have passed before.

    Of the bank, the move may use what falls to each of those left.
    """
    board = read(observation, "board", ())
    moves = (len(board) - sum(map(bool, board)) + 1) // 2
    bank = number(read(observation, "remainingOverageTime", 0.0), 0.0) / max(1, moves)
    turn = number(read(configuration, "actTimeout", None), move_seconds)
    wall = max(0.0, SHARE * (turn + bank) - spent - MARGIN_S)
    return Clock(min(wall, move_seconds - MARGIN_S), wall)


def number(value: Any, default: float) -> float:
    """Where it is one; none below 0."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return default
    return max(0.0, found) if math.isfinite(found) else default
