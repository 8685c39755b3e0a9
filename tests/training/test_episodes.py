"""Whole episodes: who is counted, and what a population of nobody comes to."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.ablations import EPISODES, WIDTH, WORLD, config_of
from training import episodes, policy

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimised")]
# Who starves there is replaced by a founder.
BARREN = dataclasses.replace(
    WORLD, reproduce_threshold=10_000.0, min_agents=WORLD.num_agents, energy_per_step=50.0
)


@pytest.fixture(scope="module")
def params() -> policy.Params:
    return policy.init(jax.random.key(1), WORLD.observation_size, WIDTH)


def test_founders_who_come_later_are_lives_but_no_births(params):
    config = config_of(BARREN)
    founders = jnp.zeros((EPISODES, BARREN.num_agents, config.genome_size))
    tally = jax.jit(partial(episodes.play, config))(params, founders, jax.random.key(0))
    assert np.all(tally.deaths)
    assert np.array_equal(tally.lives, BARREN.num_agents + tally.deaths)
    assert not np.any(tally.births)


@pytest.mark.parametrize("living", [True, False])
def test_a_population_of_nobody_delivers_nothing(params, living):
    config = config_of(WORLD)
    shape = config.num_envs, WORLD.max_agents
    genomes = jnp.zeros((*shape, config.genome_size))
    found = jax.jit(partial(episodes.judge, config))(
        params, genomes, jnp.full(shape, living), jax.random.key(0)
    )
    assert np.isfinite(list(found.values())).all()
    assert any(found.values()) == living


def test_genomes_are_those_of_the_living_and_numbers_where_there_are_none():
    genomes = jnp.arange(6.0).reshape(2, 3, 1)
    alive = jnp.array([[False, True, False], [True, False, False]])
    drawn = episodes.draw(genomes, alive, (5, 8), jax.random.key(0))
    assert drawn.shape == (5, 8, 1)
    assert set(np.asarray(drawn).reshape(-1)) == {1.0, 3.0}
    assert np.isfinite(episodes.draw(genomes, alive & False, (5, 8), jax.random.key(0))).all()


@pytest.mark.parametrize(("count", "quantile"), [(2, 12.706), (16, 2.131)])
def test_summary_has_the_interval_of_students_t(count, quantile):
    delivered = jnp.arange(count, dtype=jnp.float32) ** 2
    steady = episodes.Tally(*[jnp.full(count, 4.0)] * len(episodes.Tally._fields))
    found = episodes.summary(steady._replace(delivered=delivered))
    each = np.asarray(delivered) / 4
    ends = each.mean() + quantile * each.std(ddof=1) / count**0.5 * np.array([-1, 1])
    assert found["arena/delivered_low"] == pytest.approx(ends[0], rel=1e-3)
    assert found["arena/delivered_high"] == pytest.approx(ends[1], rel=1e-3)
