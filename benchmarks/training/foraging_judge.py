"""What foraging populations deliver on fresh episodes, all played at once and by the same chance.

Founders are drawn at random from the living; their children inherit, and nothing mutates.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import jax
import jax.numpy as jnp
from jax import Array

from training import ablation_people, episodes
from training.episodes import Tally
from training.foraging_config import Config
from training.policy import Params

EPISODES = 64


@dataclass(frozen=True)
class People:
    """genomes: [L, D], of the living."""

    settings: Config
    params: Params
    genomes: Array

    @classmethod
    def read(cls, path: Path) -> "People":
        """Those that live in a checkpoint. Raises Refused."""
        settings, living, _ = ablation_people.read(path)
        return cls(settings, living.params, living.genomes[living.alive])

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
    """Items per agent-life, on average over so many whole episodes."""
    # As all are judged, also those that were bred without it.
    evolution = replace(people.settings.evolution, selection=True)
    settings = replace(people.settings, evolution=evolution)
    draw_key, play_key = jax.random.split(jax.random.key(seed))
    drawn = count, settings.world.num_agents
    everyone = jnp.ones(len(people.genomes), bool)
    # Drawn out here, so that what is compiled serves any number of the living.
    founders = episodes.draw(people.genomes, everyone, drawn, draw_key)
    tally = _played(settings, people.params, founders, play_key)
    return float(jnp.mean(tally.delivered / tally.lives))


@partial(jax.jit, static_argnums=0)
def _played(settings: Config, params: Params, founders: Array, key: Array) -> Tally:
    return episodes.play(settings, params, founders, key)
