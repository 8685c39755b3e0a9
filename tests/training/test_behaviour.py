"""Sums over an agent's life, and what its features say of it."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from evaluation.envs.foraging import jax_env
from evaluation.envs.foraging.world import ACTIONS, TRAIL, World, map_of
from training import behaviour
from training.behaviour import FEATURES, Behaviour

pytestmark = pytest.mark.usefixtures("unoptimised")

WORLD = World(max_agents=4, num_agents=2, min_agents=0, compass_noise=0.0)
STAY, UP, DOWN, LEFT, RIGHT = range(len(ACTIONS))
TOWARDS = {UP: 0, DOWN: 1, RIGHT: 2, LEFT: 3}  # places of north, south, east, west


def seen(carrying: bool = False, energy: float = 0.5, trail: Any = (0, 0, 0, 0)) -> np.ndarray:
    """What one agent sees; trail: to the north, south, east and west."""
    numbers = np.zeros(WORLD.observation_size, np.float32)
    numbers[:4] = 0.25, -0.75, energy, carrying
    for place, value in enumerate(trail):
        numbers[6 + WORLD.channels * place + TRAIL] = value
    return numbers


def live(*steps: tuple[np.ndarray, int], alive: bool = True, reward: float = 0.0) -> Behaviour:
    sums = behaviour.empty((1,))
    for observation, action in steps:
        sums = behaviour.add(
            WORLD,
            sums,
            jnp.asarray(observation)[None],
            jnp.array([action]),
            jnp.array([alive]),
            jnp.array([reward]),
        )
    return sums


def features(sums: Behaviour) -> dict[str, float]:
    return dict(zip(FEATURES, map(float, behaviour.features(sums)[0]), strict=True))


def test_features_are_shares_and_means_of_the_life() -> None:
    search = [(seen(energy=0.2), action) for action in (STAY, UP, UP, LEFT)]
    sums = live(*search, (seen(carrying=True, energy=0.8), STAY), reward=3.0)
    assert behaviour.lived(sums) == 5
    assert features(sums) == pytest.approx(
        {
            "rest": 1 / 5,
            "haul": 1 / 5,
            "variety": 1 - (1 + 4 + 1) / 16,
            "reward": 3.0,
            "distance": 0.75,
            "energy": (4 * 0.2 + 0.8) / 5,
            "climb": 0.0,
        }
    )


def test_stays_of_who_carries_are_no_rest() -> None:
    sums = live(*[(seen(carrying=True), STAY)] * 3)
    assert features(sums)["rest"] == 0
    assert features(sums)["haul"] == 1


def test_dead_slot_adds_nothing() -> None:
    sums = live((seen(), UP), (seen(carrying=True), UP), alive=False, reward=5.0)
    assert not any(np.any(each) for each in sums)


def test_unborn_have_finite_features() -> None:
    assert np.all(np.isfinite(behaviour.features(behaviour.empty((3, 4)))))
    assert behaviour.features(behaviour.empty((3, 4))).shape == (3, 4, len(FEATURES))


def test_newcomer_begins_with_nothing() -> None:
    sums = Behaviour(jnp.ones((2, 3, 5)), *[jnp.ones((2, 3))] * 6)
    born = jnp.array([[True, False, False], [False, False, True]])
    cleared = behaviour.clear(sums, born)
    for each in cleared:
        assert np.all(np.asarray(each)[np.asarray(born)] == 0)
        assert np.all(np.asarray(each)[~np.asarray(born)] == 1)


@pytest.mark.parametrize(("action", "place"), TOWARDS.items())
def test_move_up_the_trail_is_a_climb(action: int, place: int) -> None:
    trail = np.eye(4)[place] * 0.3
    sums = live((seen(trail=trail), action))
    assert float(sums.chances[0]) == 1
    assert float(sums.climb[0]) == pytest.approx(3**0.5)
    others = [live((seen(trail=trail), other)) for other in TOWARDS if other != action]
    assert [float(each.climb[0]) for each in others] == pytest.approx([-(3**-0.5)] * 3)


@pytest.mark.parametrize(
    ("observation", "action"),
    [
        (seen(trail=(0.4, 0.4, 0.4, 0.4)), UP),  # nowhere better
        (seen(trail=(0.4, 0, 0, 0)), STAY),
        (seen(trail=(0.4, 0, 0, 0), carrying=True), UP),  # it is on its way home
    ],
)
def test_no_choice_is_no_climb(observation: np.ndarray, action: int) -> None:
    sums = live((observation, action))
    assert (float(sums.chances[0]), float(sums.climb[0])) == (0, 0)


def wander(follows: float, seed: int, steps: int = 400, agents: int = 200) -> Behaviour:
    """Agents in trails drawn anew each step, who take the strongest at this rate, else any."""
    source = np.random.default_rng(seed)
    trails = source.random((steps, agents, 4)).astype(np.float32)
    by_place = np.array([UP, DOWN, RIGHT, LEFT])
    best = by_place[np.argmax(trails, axis=-1)]
    blind = source.integers(UP, RIGHT + 1, (steps, agents))
    actions = np.where(source.random((steps, agents)) < follows, best, blind)
    observations = np.zeros((steps, agents, WORLD.observation_size), np.float32)
    observations[..., 6 + TRAIL : 6 + 4 * WORLD.channels : WORLD.channels] = trails
    alive, reward = jnp.ones(agents, bool), jnp.zeros(agents)

    def step(sums: Behaviour, seen: Any) -> tuple[Behaviour, None]:
        return behaviour.add(WORLD, sums, *seen, alive, reward), None

    inputs = jnp.asarray(observations), jnp.asarray(actions)
    return jax.lax.scan(step, behaviour.empty((agents,)), inputs)[0]


def test_who_follows_trails_reads_and_who_does_not_see_them_does_not() -> None:
    assert np.mean(behaviour.reads(wander(0.5, seed=1))) > 0.98
    blind = wander(0.0, seed=2)
    assert np.mean(behaviour.reads(blind)) < 0.02
    pull = blind.climb / jnp.sqrt(blind.chances)
    assert np.mean(pull) == pytest.approx(0, abs=0.25)
    assert np.std(pull) == pytest.approx(1, abs=0.15)


def test_short_lives_rarely_read_by_chance() -> None:
    assert np.mean(behaviour.reads(wander(0.0, seed=3, steps=20))) < 0.06


def test_who_hauls_every_fifth_step_writes() -> None:
    walk, haul = (seen(), UP), (seen(carrying=True), UP)
    assert behaviour.writes(live(*[walk] * 8, *[haul] * 2))
    assert not behaviour.writes(live(*[walk] * 9, haul))
    assert not behaviour.writes(behaviour.empty((1,)))


def test_true_observations_are_understood() -> None:
    """Of an agent south of its nest's centre, with a trail to its west."""
    key = jax.random.key(0)
    state = jax.jit(lambda: jax_env.init(WORLD, 1, jax_env.draw_opening(WORLD, 1, key)))()
    row, column = map_of(WORLD, 1).nests[0]
    place = jnp.array([row + 6, column])
    state = state._replace(
        position=state.position.at[0].set(place),
        field=state.field.at[place[0], place[1] - 1, TRAIL].set(0.5),
    )
    observation = jax.jit(partial(jax_env.observe, WORLD, 1))(state)
    actions = jnp.full(WORLD.max_agents, LEFT)
    reward = jnp.zeros(WORLD.max_agents)
    sums = behaviour.add(
        WORLD, behaviour.empty(reward.shape), observation, actions, state.alive, reward
    )
    assert float(sums.climb[0]) == pytest.approx(3**0.5, rel=1e-3)
    assert float(sums.distance[0]) == pytest.approx(6 / (WORLD.grid_size / 2), abs=0.1)
    assert float(sums.energy[0]) == 1
    assert np.all(np.asarray(sums.actions)[np.asarray(state.alive)][:, LEFT] == 1)
    assert not np.any(np.asarray(sums.actions)[~np.asarray(state.alive)])
