"""Foraging in JAX plays by its rules in NumPy, step by step, the state handed over at each.

W worlds, T steps, A slots, F items.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.envs.foraging import jax_env, rules
from evaluation.envs.foraging.handmade import BUSY
from evaluation.envs.foraging.world import World, map_of

TOLERANCE = 1e-5
WORLDS, STEPS = 32, 64
CHUNK = 64  # steps that are compared at once: most faults show in the first
CASES = {"small alone": (BUSY, 1), "small contest": (BUSY, 4)}
MORE_CASES = {
    "default alone": (World(), 1),
    "default contest": (World(), 4),
    "three": (World(grid_size=9, food_seen=2), 3),
}
Seen = dict[str, Any]  # before, observed, action, chance, after, outcome: arrays [W * T, ...]


def look(world: Any, colonies: int, state: Any, action: Any, chance: Any) -> Seen:
    after, outcome = jax_env.step(world, colonies, state, action, chance)
    observed = jax_env.observe(world, colonies, state)
    return {
        "before": state, "observed": observed, "action": action, "chance": chance,
        "after": after, "outcome": outcome,
    }  # fmt: skip


def follow(world: World, colonies: int, key: jax.Array) -> Seen:
    """[T] of one world of random play, in which one action in fifty is none."""

    def move(state: Any, key: jax.Array) -> Any:
        one, two, three = jax.random.split(key, 3)
        action = jax.random.randint(one, state.alive.shape, 0, 5)
        action = jnp.where(jax.random.uniform(two, action.shape) < 0.02, action * 9 - 7, action)
        seen = look(world, colonies, state, action, jax_env.draw(world, colonies, three))
        return seen["after"], seen

    first = jax_env.init(world, colonies, jax_env.draw_opening(world, colonies, key))
    return jax.lax.scan(move, first, jax.random.split(key, STEPS))[1]


@cache
def played(case: str) -> Seen:
    world, colonies = {**CASES, **MORE_CASES}[case]
    play = jax.jit(jax.vmap(partial(follow, world, colonies)))
    seen = jax.device_get(play(jax.random.split(jax.random.key(3), WORLDS)))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), seen)


def by_the_rules(world: World, colonies: int, seen: Seen) -> Seen:
    """What the rules make of the state before one step."""
    before, chance = rules.State(*seen["before"]), rules.Chance(*seen["chance"])
    observed = rules.observe(world, colonies, before)
    after, outcome = rules.step(world, colonies, before, seen["action"], chance)
    return {"observed": observed, "after": after, "outcome": outcome}


def assert_alike(found: Any, expected: Any, name: str) -> None:
    """Whole numbers and flags exactly. Of arrays, or of named tuples of arrays."""
    if isinstance(found, tuple):
        for part, one, other in zip(found._fields, found, expected, strict=True):
            assert_alike(one, other, f"{name}: {part}")
        return
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype, name
    limit = TOLERANCE if found.dtype == np.float32 else 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit, err_msg=name)


def check(case: str) -> None:
    (world, colonies), seen = {**CASES, **MORE_CASES}[case], played(case)
    for start in range(0, WORLDS * STEPS, CHUNK):
        some = jax.tree.map(lambda leaf: leaf[start : start + CHUNK], seen)  # noqa: B023
        steps = (jax.tree.map(lambda leaf: leaf[number], some) for number in range(CHUNK))  # noqa: B023
        found = [by_the_rules(world, colonies, step) for step in steps]
        for name, whole in jax.tree.map(lambda *leaves: np.stack(leaves), *found).items():
            assert_alike(whole, some[name], name)


@pytest.mark.parametrize("case", CASES)
def test_random_play_is_the_same_in_both_forms(case):
    check(case)


@pytest.mark.slow
@pytest.mark.parametrize("case", MORE_CASES)
def test_random_play_of_other_worlds_is_the_same_in_both_forms(case):
    check(case)


def in_reach(case: str) -> tuple[np.ndarray, np.ndarray]:
    """[W * T, F, A]: distance of every item and agent, and whether it could be picked up now."""
    (world, colonies), seen = CASES[case], played(case)
    area, state = map_of(world, colonies), rules.State(*seen["before"])
    each = [rules.State(*leaves) for leaves in zip(*state, strict=True)]
    moves = zip(each, seen["action"], strict=True)
    moved = np.stack([rules.moved(world, colonies, one, action) for one, action in moves])
    gap = np.abs(state.food[:, :, None] - moved[:, None])
    if area.wraps:
        gap = np.minimum(gap, np.array([area.rows, area.columns]) - gap)
    distance = gap.max(axis=-1)
    free = (state.alive & ~state.carrying)[:, None] & ~state.taken[:, :, None]
    return distance, free & (distance <= 1)


@pytest.mark.parametrize("case", ["small alone", "small contest"])
def test_everything_that_can_happen_has_happened(case):
    (_, colonies), seen = CASES[case], played(case)
    outcome, before = rules.Outcome(*seen["outcome"]), rules.State(*seen["before"])
    children = outcome.born & (outcome.source >= 0)
    distance, reach = in_reach(case)
    nearest = reach & (distance == np.where(reach, distance, 9).min(axis=2, keepdims=True))
    counts = {
        "births": children.sum(),
        "founders below the minimum": (outcome.born & ~children).sum(),
        "deaths": outcome.died.sum(),
        "a slot that dies and is filled at once": (outcome.died & outcome.born).sum(),
        "deliveries": outcome.delivered.sum(),
        "several items within reach of one agent": (reach.sum(axis=1) > 1).sum(),
        "several nearest agents of one item": (nearest.sum(axis=2) > 1).sum(),
        "agents that stay to mark": (before.carrying & before.cooldown).sum(),
        "items that return": (before.taken & ~seen["after"].taken).sum(),
        "items that return at once": (~before.taken & ~seen["after"].taken
                                      & (before.food != seen["after"].food).any(axis=-1)).sum(),
        "a full colony": before.alive.reshape(len(before.step), colonies, -1).all(axis=-1).sum(),
    }  # fmt: skip
    assert {name: count for name, count in counts.items() if count < 5} == {}


@pytest.mark.parametrize(("world", "colonies"), [(BUSY, 1), (BUSY, 3), (World(), 2), (World(), 4)])
def test_first_states_are_the_same(world, colonies):
    opening = rules.draw_opening(world, colonies, np.random.default_rng(colonies))
    first = rules.init(world, colonies, opening)
    begin = jax.jit(partial(jax_env.init, world, colonies))
    other = begin(jax_env.Opening(*opening))
    assert_alike(first, other, "first")


@pytest.mark.parametrize("colonies", [1, 4])
def test_what_is_drawn_has_the_same_form(colonies):
    generator, key = np.random.default_rng(1), jax.random.key(1)
    for name in ("draw", "draw_opening"):
        ours = getattr(rules, name)(BUSY, colonies, generator)
        theirs = jax.jit(partial(getattr(jax_env, name), BUSY, colonies))(key)
        for one, other, field in zip(ours, theirs, ours._fields, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype), field
            if one.dtype == np.int32:
                assert one.min() >= 0
                assert other.min() >= 0


# Faults that are planted in the rules: what is replaced, and by what.


def without_turns(pick_up: Callable[..., Any]) -> Callable[..., Any]:
    def faulty(world: Any, area: Any, state: Any) -> Any:
        after, picked = pick_up(world, area, state._replace(step=np.int32(0)))
        return after._replace(step=state.step), picked

    return faulty


def with_loss(pick_up: Callable[..., Any]) -> Callable[..., Any]:
    def faulty(world: Any, area: Any, state: Any) -> Any:
        after, picked = pick_up(world, area, state)
        down, right = rules.distances(area, state.position[picked], state.food)
        lost = (np.maximum(down, right) <= 1).any(axis=0)
        return after._replace(taken=after.taken | lost), picked

    return faulty


def changed(name: str, **settings: Any) -> Callable[..., Any]:
    """The function as it is for a world with other settings."""
    right = getattr(rules, name)
    return lambda world, *rest: right(replace(world, **settings), *rest)


FAULTS: dict[str, tuple[str, Any]] = {
    "left is right": ("MOVES", rules.MOVES[[0, 1, 2, 4, 3]]),
    "picked up from further away": ("REACH", 2),
    "the first colony wins ties": ("_pick_up", without_turns(rules._pick_up)),
    "several items at once are lost": ("_pick_up", with_loss(rules._pick_up)),
    "an item just taken does not return": ("_return_food", changed("_return_food",
                                                                   food_respawn_prob=0.09)),
    "less energy for a delivery": ("CARRIED_ENERGY", 0.9),
    "another reward": ("PICKUP_REWARD", 0.2),
    "delivered beside the nest": ("_in_nest", changed("_in_nest", nest_radius=2)),
    "the field fades less": ("_spread", changed("_spread", decay_rate=0.0499)),
    "those who carry mark at each step": ("_writes", lambda state: state.carrying),
    "no way around": ("shortest", lambda area, difference: difference),
    "nobody dies": ("_bury", lambda state: (state, np.zeros_like(state.alive))),
    "no minimum": ("_renew", changed("_renew", min_agents=0)),
    "births at the threshold": ("_renew", changed("_renew", reproduce_threshold=50.0)),
    "north is south": ("AROUND", rules.AROUND[[1, 0, 2, 3, 4]]),
    "the nearest items by another order": ("_nearest_food", changed("_nearest_food", food_seen=4)),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault, monkeypatch):
    monkeypatch.setattr(rules, *FAULTS[fault])
    with pytest.raises(AssertionError):
        check("small contest")


class Traced:
    """A world whose amounts are arrays, so that one compiled form serves for all of them."""

    def __init__(self, world: World, amounts: dict[str, Any]) -> None:
        self._world, self._amounts = world, amounts

    def __getattr__(self, name: str) -> Any:
        return self._amounts[name] if name in self._amounts else getattr(self._world, name)

    def __hash__(self) -> int:
        return hash(self._world)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Traced) and self._world == other._world


AMOUNTS = tuple(each.name for each in fields(World) if type(each.default) is float)
FORMS = [
    (replace(BUSY, num_food=3, max_agents=6), 1),
    (replace(BUSY, min_agents=0, channels=2, food_seen=3), 2),
]
MORE_FORMS = [
    *FORMS,
    (World(grid_size=9, nest_radius=0, num_agents=1, max_agents=1, min_agents=1, num_food=1), 3),
    (World(grid_size=11, max_agents=16, food_seen=0), 4),
    (replace(BUSY, min_agents=4, num_agents=4, max_agents=4), 4),
]
RATES = {"food_respawn_prob", "diffusion_rate", "decay_rate"}
# A twentieth of these is a whole number, so that no sum rounds to either side of a threshold.
FOOD_ENERGIES = st.sampled_from([0.0, 20.0, 60.0, 100.0, 1000.0])


def amount(name: str) -> st.SearchStrategy[float]:
    if name in RATES:
        return st.floats(0, 1, width=32)
    if name in {"field_cap", "trail_strength", "territory_strength", "compass_noise"}:
        return st.floats(0, 2, width=32)
    return FOOD_ENERGIES if name == "food_energy" else st.integers(1, 150).map(float)


def worlds(forms: list[tuple[World, int]]) -> st.SearchStrategy[Any]:
    amounts = st.fixed_dictionaries({name: amount(name) for name in AMOUNTS})
    fitting = amounts.filter(lambda some: some["reproduce_cost"] <= some["reproduce_threshold"])
    return st.tuples(st.sampled_from(forms), fitting, st.integers(0, 2**32), st.integers(1, 12))


@cache
def compiled(world: World, colonies: int) -> Any:
    def run(amounts: Any, state: Any, action: Any, chance: Any) -> Seen:
        return look(Traced(world, amounts), colonies, state, action, chance)

    return jax.jit(run)


def check_worlds(form: tuple[World, int], amounts: dict[str, float], seed: int, steps: int) -> None:
    bare, colonies = form
    world, generator = replace(bare, **amounts), np.random.default_rng(seed)
    state = rules.init(world, colonies, rules.draw_opening(world, colonies, generator))
    traced = {name: np.float32(value) for name, value in amounts.items()}
    for _ in range(steps):
        action = generator.integers(0, 5, len(state.alive)).astype(np.int32)
        chance = jax_env.Chance(*rules.draw(world, colonies, generator))
        before = jax_env.State(*state)
        seen = jax.device_get(compiled(bare, colonies)(traced, before, action, chance))
        for name, found in by_the_rules(world, colonies, seen).items():
            assert_alike(found, seen[name], name)
        state = rules.State(*seen["after"])


@settings(max_examples=30, deadline=None)
@given(worlds(FORMS))
def test_any_settings_are_played_alike(drawn):
    check_worlds(*drawn)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(worlds(MORE_FORMS))
def test_any_settings_of_any_form_are_played_alike(drawn):
    check_worlds(*drawn)
