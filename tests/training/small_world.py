"""The smallest foraging world that has everything: its configuration, and processes that run it."""

from typing import Any

from training import config

WORLD = {
    "grid_size": 8,
    "nest_radius": 1,
    "max_steps": 60,
    "num_agents": 4,
    "max_agents": 8,
    "num_food": 6,
    "starting_energy": 60,
    "max_energy": 60,
    "food_energy": 30,
    "reproduce_threshold": 40,
    "reproduce_cost": 20,
}
FORAGING = {
    "world": WORLD,
    "num_envs": 8,
    "num_steps": 32,
    "shards": 2,
    "network": {"width": 16},
    "learning": {"minibatches": 4, "epochs": 3},
    "arena": {"episodes": 4},
    "tracking": {"emergence_interval": 4000, "specialization_interval": 4000},
}
STEPS = 8 * 32 * 8  # of one update
CONFIG = {
    "task": "foraging",
    "seed": 3,
    "total_steps": 12 * STEPS,
    "log_interval": 2 * STEPS,
    "save_interval": 5 * STEPS // 2,
    "evaluate_interval": 5 * STEPS,
    "foraging": FORAGING,
}


def settings(**changes: Any) -> Any:
    """The task's own Config."""
    return config.from_dict(CONFIG | {"foraging": FORAGING | changes}).settings


def world(**changes: Any) -> Any:
    return settings(world=WORLD | changes).world
