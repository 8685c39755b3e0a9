"""The agent. `plan` tells more, for those who want to measure it."""

from time import perf_counter
from typing import Any

from training.agent_template.boards.clock import FOREVER_S, Clock, clock_of_move
from training.agent_template.boards.planner import Limits, Plan
from training.agent_template.boards.player import Player, collector_paused
from training.agent_template.startup import STARTED
from training.agent_template.weights import read_weights, weights

MOVE_SECONDS = 0.2  # the most that a move may take; `export` sets it

PLAYER = Player(*read_weights(weights()))
LOADING_S = [perf_counter() - STARTED]  # on the clock of the first move, where it loads us


def plan(
    observation: Any,
    configuration: Any,
    simulations: float = float("inf"),
    seconds: float = FOREVER_S,
    positions: float = 0,
) -> Plan:
    """What the agent would play and why, found anew within these limits.

    simulations: of the tree. seconds: of processor time. positions: that alpha-beta may look at,
    in the last part of a game. Without seconds the same limits always give the same plan.
    """
    limits = Limits(simulations, positions, Clock(seconds))
    with collector_paused():
        return PLAYER.plan(observation, configuration, limits, fresh=True)


def agent(observation: Any, configuration: Any) -> int:
    """The action; what was found stays in memory for the next move."""
    spent = LOADING_S.pop() if LOADING_S else 0.0
    limits = Limits(clock=clock_of_move(observation, configuration, MOVE_SECONDS, spent))
    with collector_paused():
        return PLAYER.plan(observation, configuration, limits, fresh=False).action
