"""What foraging populations deliver on fresh episodes, all played at once and by the same chance.

Each slot has the weights of one living agent, drawn at random, whoever is born into it: nothing
mutates and nothing is selected while a population is judged.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from training import checkpoint, config, life, shards, storage
from training.foraging_config import Config
from training.policy import Params
from training.ppo import Learning
from training.program import Program

EPISODES = 64
PARTS = 2  # of them, each on a device of its own where there are as many


@dataclass(frozen=True)
class People:
    """genomes: [M, D]; alive: bool[M]."""

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
        genomes = state.life.population.genomes
        return cls(
            run.settings,
            state.params,
            genomes.reshape(-1, genomes.shape[-1]),
            state.life.worlds.alive.reshape(-1),
        )

    @cached_property
    def shared(self) -> "People":
        """All alike, with the shared weights alone."""
        return replace(self, genomes=jnp.zeros_like(self.genomes))

    @cached_property
    def random(self) -> "People":
        """All actions are equally likely, whatever they see."""
        readout = {name: jnp.zeros_like(each) for name, each in self.params["policy"].items()}
        return replace(self.shared, params={**self.params, "policy": readout})


def delivered(people: People, seed: int, episodes: int = EPISODES) -> float:
    """Items per agent-life, over so many whole episodes (an even number)."""
    settings = replace(
        people.settings,
        num_envs=episodes // PARTS,
        num_steps=people.settings.world.max_steps,
        shards=1,
        evolution=replace(people.settings.evolution, selection=False),
        learning=Learning(minibatches=1),
    )
    keys = jax.random.split(jax.random.key(seed), PARTS)
    items, lives = _played(settings, people.params, people.genomes, people.alive, keys)
    return float(items.sum() / lives.sum())


@partial(jax.jit, static_argnums=0)
def _played(
    settings: Config, params: Params, genomes: Array, alive: Array, keys: Array
) -> tuple[Array, Array]:
    """Items and lives of each part."""
    result: tuple[Array, Array] = shards.spread(
        partial(_part, settings), PARTS, (params, genomes, alive), keys
    )
    return result


def _part(settings: Config, common: tuple[Params, Array, Array], key: Array) -> tuple[Array, Array]:
    params, genomes, alive = common
    open_key, draw_key, play_key = jax.random.split(key, 3)
    begun = life.begin(settings, open_key)
    opened = begun.worlds._replace(step=jnp.zeros_like(begun.worlds.step))
    drawn = jax.random.choice(draw_key, len(alive), opened.alive.shape, p=alive / alive.sum())
    people = begun.population._replace(genomes=genomes[drawn])
    _, trace = life.play(settings, params, jnp.zeros(()), life.Life(opened, people), play_key)
    # Those of the last step are the founders of episodes that come after.
    return trace.delivered.sum(), opened.alive.sum() + trace.newcomer[:-1].sum()
