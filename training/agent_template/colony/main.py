"""The agent. `COLONY.logits` tells more, for those who want to look into its head."""

from typing import Any

from training.agent_template.colony.colony import Colony
from training.agent_template.weights import read_weights, weights

COLONY = Colony(*read_weights(weights()))


def agent(observation: Any, configuration: Any) -> list[int]:
    """The actions of the living members; who descends from whom stays in memory."""
    return COLONY.act(observation)
