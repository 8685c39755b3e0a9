"""A module on a path that the agent adds."""

BONUS = 2
