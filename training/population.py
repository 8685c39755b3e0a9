"""Inheritance: a newcomer takes the genome of one of the living, with mutations.

Shapes: M slots of some worlds, D numbers of a genome.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

PHASE = {"minimum": 1, "maximum": 1_000_000_000}
CHUNK = 32  # newcomers that are served at once; most steps have fewer


@dataclass(frozen=True)
class Evolution:
    """mutation_std: of each number of a child's genome; evolve_std while weights are not learnt.

    tournament: founders descend from the best of so many living ones, by items delivered in
    their lives. selection: without it a newcomer's genome is its slot's last one, mutated, so that
    mutations pile up and nothing chooses among them. gradient_steps, evolve_steps: how long the
    phases of the mode "alternating" last.
    """

    mutation_std: float = field(default=0.01, metadata={"minimum": 0.0, "maximum": 10.0})
    evolve_std: float = field(default=0.02, metadata={"minimum": 0.0, "maximum": 10.0})
    tournament: int = field(default=4, metadata={"minimum": 1, "maximum": 64})
    selection: bool = True
    gradient_steps: int = field(default=500_000, metadata=PHASE)
    evolve_steps: int = field(default=100_000, metadata=PHASE)


class Population(NamedTuple):
    """Of each slot: genome [M, D]; harvest int32[M], items delivered in the agent's life.

    lineage: int32[M], the family that the agent descends from.
    """

    genomes: Array
    harvest: Array
    lineage: Array


def founders(slots: int, genome_size: int) -> Population:
    """Nobody differs from the shared weights yet, and each slot is a family of its own."""
    zeros = jnp.zeros(slots, jnp.int32)
    return Population(jnp.zeros((slots, genome_size)), zeros, jnp.arange(slots, dtype=jnp.int32))


def renew(
    evolution: Evolution,
    population: Population,
    living: Array,
    newcomers: Array,
    parents: Array,
    std: Array | float,
    key: Array,
) -> Population:
    """The population after newcomers: bool[M] have taken their slots. Consumes the key.

    parents: int32[M], slots; -1 for a founder, whose parent a tournament among the living:
    bool[M] finds; where nobody lives it has its slot's last genome. std: of mutations. Parents are
    as they were before anyone was replaced.
    """
    slots = newcomers.size

    def serve(carry: tuple[Population, Array, Array]) -> tuple[Population, Array, Array]:
        after, waiting, key = carry
        choose_key, mutate_key, key = jax.random.split(key, 3)
        (served,) = jnp.nonzero(waiting, size=CHUNK, fill_value=slots)
        own = jnp.minimum(served, slots - 1)
        chosen = _tournament(evolution, population.harvest, living, choose_key)
        chosen = jnp.where(jnp.any(living), chosen, own)
        source = jnp.where(parents[own] >= 0, parents[own], chosen)
        source = source if evolution.selection else own
        noise = std * jax.random.normal(mutate_key, (CHUNK, population.genomes.shape[1]))
        after = Population(
            after.genomes.at[served].set(population.genomes[source] + noise, mode="drop"),
            after.harvest.at[served].set(0, mode="drop"),
            after.lineage.at[served].set(population.lineage[source], mode="drop"),
        )
        return after, waiting.at[served].set(False, mode="drop"), key

    first = population, newcomers, key
    after, _, _ = jax.lax.while_loop(lambda carry: jnp.any(carry[1]), serve, first)
    return after


def _tournament(evolution: Evolution, harvest: Array, living: Array, key: Array) -> Array:
    """int32[CHUNK]: each the best of some of the living, drawn with repetition."""
    count = jnp.cumsum(living)
    draws = jax.random.uniform(key, (CHUNK, evolution.tournament))
    place = jnp.searchsorted(count, jnp.floor(draws * count[-1]) + 1)
    place = jnp.minimum(place, living.size - 1)
    best = jnp.argmax(harvest[place], axis=1)
    return jnp.take_along_axis(place, best[:, None], axis=1)[:, 0]
