"""The small foraging world that ablations are tried on, and the smallest run in it."""

import dataclasses
from typing import Any

from evaluation.envs.foraging.world import World
from training import config
from training.foraging_config import Config

STEPS, EPISODES, WORLDS, WIDTH, MUTATION = 30, 8, 2, 16, 0.05
WORLD = World(
    grid_size=9, nest_radius=1, num_agents=4, max_agents=8, num_food=8, max_steps=STEPS,
    energy_per_step=8.0, food_respawn_prob=1.0,
)  # fmt: skip


def run_of(world: World) -> dict[str, Any]:
    """The smallest run."""
    settings = {
        "num_envs": WORLDS, "num_steps": 4, "shards": 1, "network": {"width": WIDTH},
        "learning": {"minibatches": 1, "epochs": 1}, "evolution": {"mutation_std": MUTATION},
        "world": dataclasses.asdict(world),
    }  # fmt: skip
    intervals = {"total_steps": 1, "log_interval": 1, "save_interval": 1}
    return {"task": "foraging", "foraging": settings, **intervals}


def config_of(world: World) -> Config:
    settings: Config = config.from_dict(run_of(world)).settings
    return settings
