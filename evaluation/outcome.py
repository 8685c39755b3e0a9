"""How an episode ended, in one sentence for people, who count seats from 1."""

from collections.abc import Callable, Sequence
from typing import Any

from evaluation.spec import FAULTS

GameSummary = Callable[[Sequence[Any], dict[str, Any]], dict[str, Any]]
ACTION_LENGTH = 40


def summarize(
    steps: Sequence[Any], configuration: dict[str, Any], game: GameSummary | None = None
) -> dict[str, Any]:
    """`cause`, `winner` (a seat from 0, or None) and `decisive_step` of an episode's steps.

    game: the summary that the environment exports; it knows its rules, this its agents' faults.
    """
    last = steps[-1]
    if any(seat["status"] == "ACTIVE" for seat in last):
        return {"cause": "Not finished", "winner": None, "decisive_step": None}
    if any(seat["status"] in FAULTS for seat in last):
        return _faulted(steps)
    if game:
        return game(steps, configuration)
    winner = _leader(last)
    cause = "A draw" if winner is None else f"Best reward for seat {winner + 1}"
    if len(last) == 1:
        cause = f"Ended at step {len(steps) - 1}"
    return {"cause": cause, "winner": winner, "decisive_step": None}


def _faulted(steps: Sequence[Any]) -> dict[str, Any]:
    faults = sorted(
        (_first_fault(steps, seat), seat)
        for seat, state in enumerate(steps[-1])
        if state["status"] in FAULTS
    )
    causes = [_describe(steps[step][seat], seat, step) for step, seat in faults]
    return {
        "cause": "; ".join(causes),
        "winner": _leader(steps[-1]),
        "decisive_step": faults[-1][0],
    }


def _first_fault(steps: Sequence[Any], seat: int) -> int:
    return next(step for step, state in enumerate(steps) if state[seat]["status"] in FAULTS)


def _describe(state: Any, seat: int, step: int) -> str:
    if state["status"] == "TIMEOUT":
        return f"Seat {seat + 1} ran out of time at step {step}"
    if state["status"] == "ERROR":
        return f"Seat {seat + 1} failed with an error at step {step}"
    action = state["action"]
    named = "" if action is None else f" ({str(action)[:ACTION_LENGTH]})"
    return f"Seat {seat + 1} made an invalid move{named} at step {step}"


def _leader(last: Sequence[Any]) -> int | None:
    """The one seat with the best reward; a seat without reward is behind all others."""
    rewards = [float("-inf") if seat["reward"] is None else seat["reward"] for seat in last]
    best = max(rewards)
    return rewards.index(best) if len(rewards) > 1 and rewards.count(best) == 1 else None
