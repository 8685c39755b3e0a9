"""What foraging populations deliver on fresh episodes, all played at once and by the same chance.

Founders are drawn at random from the living; their children inherit, and nothing mutates.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from training import checkpoint, config, episodes, storage
from training.episodes import Tally
from training.foraging_config import Config
from training.policy import Params
from training.program import Program

EPISODES = 64


@dataclass(frozen=True)
class People:
    """genomes: [..., D]; alive: bool[...]."""

    settings: Config
    params: Params
    genomes: Array
    alive: Array

    @classmethod
    def read(cls, path: Path) -> "People":
        """Those that live in a checkpoint. Raises TrainingError."""
        run = config.from_dict(storage.read(path)[1].config)
        state: Any
        state, _ = checkpoint.load(path, Program(run).shapes)
        life = state.life
        return cls(run.settings, state.params, life.population.genomes, life.worlds.alive)

    @cached_property
    def shared(self) -> "People":
        """All alike, with the shared weights alone."""
        return replace(self, genomes=jnp.zeros_like(self.genomes))

    @cached_property
    def random(self) -> "People":
        """All actions are equally likely, whatever they see."""
        readout = {name: jnp.zeros_like(each) for name, each in self.params["policy"].items()}
        return replace(self.shared, params={**self.params, "policy": readout})


def delivered(people: People, seed: int, count: int = EPISODES) -> float:
    """Items per agent-life, over so many whole episodes."""
    # As all are judged, also those that were bred without it.
    evolution = replace(people.settings.evolution, selection=True)
    settings = replace(people.settings, evolution=evolution)
    tally = _played(
        settings, count, people.params, people.genomes, people.alive, jax.random.key(seed)
    )
    return float(tally.delivered.sum() / tally.lives.sum())


@partial(jax.jit, static_argnums=(0, 1))
def _played(
    settings: Config, count: int, params: Params, genomes: Array, alive: Array, key: Array
) -> Tally:
    draw_key, play_key = jax.random.split(key)
    founders = episodes.draw(genomes, alive, (count, settings.world.num_agents), draw_key)
    return episodes.play(settings, params, founders, play_key)
