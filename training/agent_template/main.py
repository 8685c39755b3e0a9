"""The agent. `plan` tells more, for those who want to measure it."""

import base64
import os
import sys
from time import perf_counter
from typing import Any

from training.agent_template.clock import FOREVER_S, Clock, clock_of_move
from training.agent_template.network import read_weights
from training.agent_template.planner import Limits, Plan
from training.agent_template.player import Player, collector_paused
from training.agent_template.settings import MOVE_SECONDS, STARTED

WEIGHTS = ""  # a safetensors file in base64; where empty, WEIGHTS_FILE lies beside this one
WEIGHTS_FILE = "weights.safetensors"


def weights() -> bytes:
    """From this file, or from the one beside it, wherever an engine has put that."""
    if WEIGHTS:
        return base64.b64decode(WEIGHTS)
    beside = [globals().get("__file__"), weights.__code__.co_filename]
    folders = [os.path.dirname(os.path.abspath(path)) for path in beside if path]
    paths = [os.path.join(folder, WEIGHTS_FILE) for folder in (*folders, os.getcwd(), *sys.path)]
    found = next((path for path in paths if os.path.isfile(path)), WEIGHTS_FILE)
    with open(found, "rb") as file:
        return file.read()


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
