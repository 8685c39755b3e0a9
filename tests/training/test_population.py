"""Newcomers inherit, with mutations, and what pays spreads."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training import small_world
from training import life as living
from training import policy, population
from training.population import Evolution, Population

SLOTS, SIZE = 96, 7
UP = 1
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimised")]


@pytest.fixture(scope="module")
def people():
    genomes = jnp.arange(SLOTS, dtype=jnp.float32)[:, None] * jnp.ones(SIZE)
    return Population(genomes, jnp.arange(SLOTS) % 10, jnp.arange(SLOTS) + 500)


def renew(people, newcomers, parents=(), living_ones=(), std=0.0, **evolution):
    """After these newcomers (by slot) came; parents: slot by newcomer; all live if not said."""
    new = jnp.zeros(SLOTS, bool).at[jnp.array(newcomers)].set(True)
    source = jnp.full(SLOTS, -1)
    for slot, parent in dict(parents).items():
        source = source.at[slot].set(parent)
    alive = jnp.zeros(SLOTS, bool).at[jnp.array(living_ones or range(SLOTS))].set(True)
    call = jax.jit(partial(population.renew, Evolution(**evolution)))
    return call(people, alive, new, source, std, jax.random.key(4))


def test_children_have_genome_and_family_of_their_parents(people):
    after = renew(people, [3, 5], {3: 80, 5: 80})
    assert after.genomes[3, 0] == after.genomes[5, 0] == 80
    assert after.lineage[3] == after.lineage[5] == 580
    assert after.harvest[3] == after.harvest[5] == 0
    others = np.delete(np.arange(SLOTS), [3, 5])
    for field in Population._fields:
        before, now = (np.asarray(getattr(each, field))[others] for each in (people, after))
        assert (before == now).all()


def test_parents_that_are_replaced_in_the_same_step_still_pass_on_what_they_were(people):
    turned = {slot: (slot + 1) % SLOTS for slot in range(SLOTS)}
    after = renew(people, range(SLOTS), turned)
    assert SLOTS > 2 * population.CHUNK, "more than are served at once"
    assert (after.genomes[:, 0] == (jnp.arange(SLOTS) + 1) % SLOTS).all()


def test_mutations_are_normal_and_differ_from_child_to_child(people):
    after = renew(people, range(SLOTS), dict.fromkeys(range(SLOTS), 0), std=0.5)
    change = np.asarray(after.genomes)
    assert abs(change.std() - 0.5) < 0.05
    assert abs(change.mean()) < 0.06
    assert len(np.unique(change)) == change.size


def test_founders_descend_from_those_who_delivered_most(people):
    living_ones = [7, 12, 29, 41]  # with 7, 2, 9 and 1 items
    after = renew(people, range(60), living_ones=living_ones, tournament=16)
    parents, counts = np.unique(np.asarray(after.genomes)[:60, 0], return_counts=True)
    assert set(parents) <= set(living_ones)
    assert counts[parents == 29].sum() > 50
    evenly = renew(people, range(60), living_ones=living_ones, tournament=1)
    _, counts = np.unique(np.asarray(evenly.genomes)[:60, 0], return_counts=True)
    assert len(counts) == 4
    assert counts.min() > 5


def test_where_nobody_lives_founders_are_what_their_slots_held(people):
    nobody = jnp.zeros(SLOTS, bool)
    new = jnp.zeros(SLOTS, bool).at[jnp.array([3, 50])].set(True)
    after = population.renew(
        Evolution(), people, nobody, new, jnp.full(SLOTS, -1), 0.0, jax.random.key(0)
    )
    assert (np.asarray(after.genomes) == np.asarray(people.genomes)).all()


def test_without_selection_everybody_stays_in_their_slot(people):
    after = renew(people, [3, 50], {3: 80}, selection=False)
    assert (np.asarray(after.genomes) == np.asarray(people.genomes)).all()


# In a world: does what pays spread?


def share_after(trait, share: float, key: int, episodes: int = 6, **evolution) -> float:
    """What share of the living has the trait (a genome) in the end, among agents that move at
    random, if such a share had it in the beginning and nothing mutates.
    """
    config = small_world.settings(num_envs=32, evolution=evolution)
    config = dataclasses.replace(config, num_steps=episodes * config.world.max_steps)
    final = np.asarray(_played(config, trait, share, key))
    return float(final.mean())


def _played(config, trait, share, key):
    world_key, trait_key, play_key = jax.random.split(jax.random.key(key), 3)
    genomes, alive = _play(config)(trait, share, world_key, trait_key, play_key)
    has = np.isclose(np.asarray(genomes), np.asarray(trait)).all(axis=-1)
    return has[np.asarray(alive)]


def _play(config):
    if config not in PLAYED:
        PLAYED[config] = jax.jit(partial(_play_now, config))
    return PLAYED[config]


PLAYED: dict = {}


def _play_now(config, trait, share, world_key, trait_key, play_key):
    params = policy.init(world_key, config.world.observation_size, config.network.width)
    begun = living.begin(config, world_key)
    shape = begun.worlds.alive.shape
    has = jax.random.uniform(trait_key, shape) < share
    genomes = jnp.where(has[..., None], trait, 0.0)
    begun = begun._replace(population=begun.population._replace(genomes=genomes))
    after, _ = living.play(config, params, jnp.float32(0), begun, play_key)
    return after.population.genomes, after.worlds.alive


def readout_bias(values) -> jnp.ndarray:
    genome = jnp.zeros(policy.genome_size(16))
    return genome.at[-policy.ACTIONS :].set(jnp.array(values, jnp.float32))


ONLY_UP = readout_bias([0, 8, 0, 0, 0])
NEUTRAL = readout_bias([1, 1, 1, 1, 1])  # the same probabilities


def test_a_trait_that_costs_vanishes_and_so_its_absence_spreads():
    assert share_after(ONLY_UP, 0.9, key=0) < 0.1


def test_without_selection_the_same_trait_stays():
    assert abs(share_after(ONLY_UP, 0.5, key=0, selection=False) - 0.5) < 0.1


def test_a_trait_that_does_nothing_drifts_only():
    ends = [share_after(NEUTRAL, 0.5, key) for key in range(12)]
    error = np.std(ends, ddof=1) / len(ends) ** 0.5
    assert abs(np.mean(ends) - 0.5) < 3 * error + 0.02
    assert max(ends) - min(ends) > 0.02, "families differ in luck"


def test_nobody_descends_from_the_dead():
    """Not even founders of an episode whose last one ends with births in slots of the dead."""
    config = dataclasses.replace(small_world.settings(), num_steps=1)
    begun = living.begin(config, jax.random.key(0))
    alive, people = begun.worlds.alive, begun.population
    genomes = jnp.where(alive[..., None], 0.0, 7.0)
    harvest = jnp.where(alive, 0, 100)
    last = jnp.full_like(begun.worlds.step, config.world.max_steps - 1)
    life = begun._replace(
        worlds=begun.worlds._replace(step=last),
        population=people._replace(genomes=genomes + people.genomes, harvest=harvest),
    )
    params = policy.init(jax.random.key(1), config.world.observation_size, config.network.width)
    after, trace = jax.jit(partial(living.play, config))(
        params, jnp.float32(0), life, jax.random.key(2)
    )
    assert (np.asarray(after.worlds.step) == 0).all()
    assert np.asarray(trace.newcomer).sum() == config.num_envs * config.world.num_agents
    assert (np.asarray(after.population.genomes)[np.asarray(after.worlds.alive)] == 0).all()
