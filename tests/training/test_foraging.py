"""The foraging task learns, evolves, and refuses settings that clash."""

import dataclasses
import json
import random
import signal
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import evaluation
from tests.training import small_world, tiny
from tests.training.toy_runs import assert_same, summary
from training import config, foraging, launch, policy, ppo
from training import life as living
from training.errors import ConfigError
from training.program import Program
from training.stop import Stop

QUICK = {
    "num_envs": 32,
    "num_steps": 60,
    "network": {"width": 32},
    "learning": {"minibatches": 4, "epochs": 4, "learning_rate": 0.005},
}


def compiled(**changes):
    given = small_world.FORAGING | QUICK | changes
    program = Program(config.from_dict(small_world.CONFIG | {"foraging": given}))
    program.compile()
    return program


def train(program, updates):
    """The last state, and the metrics of every update."""
    state, found = program.init(), []
    for _ in range(updates):
        state, _, values = program.update(state)
        found.append({name: float(value) for name, value in values.items()})
    return state, found


@pytest.fixture(scope="module")
def program(unoptimised):
    return compiled()


@pytest.fixture(scope="module")
def trained(program):
    return train(program, 25)


@pytest.mark.slow
def test_it_learns_to_forage_in_seconds(trained):
    rates = [each["world/delivered"] for each in trained[1]]
    assert max(rates[:2]) < 0.2
    assert min(rates[-3:]) > 0.4


@pytest.mark.slow
def test_every_metric_is_a_number(trained):
    assert all(np.isfinite(list(each.values())).all() for each in trained[1])


@pytest.mark.slow
def test_a_shell_shows_the_headline_only(program, trained):
    shown = program.headline(trained[1][-1])
    assert list(shown)[:2] == ["world/delivered", "world/population"]
    assert len(shown) < len(trained[1][-1])


@pytest.mark.slow
def test_steps_count_slots(program, trained):
    assert int(trained[0].step) == 25 * 32 * 60 * 8


@pytest.mark.slow
def test_evaluation_repeats_and_leaves_the_state_alone(program, trained):
    state = trained[0]
    after, first = program.evaluate(state)
    _, again = program.evaluate(state)
    assert {name: float(first[name]) for name in first} == {
        name: float(again[name]) for name in again
    }
    assert first["arena/delivered_low"] < first["arena/delivered"] < first["arena/delivered_high"]
    assert first[foraging.OBJECTIVE] == first["arena/delivered"]
    _, later = program.evaluate(after)
    assert float(later["arena/total"]) != float(first["arena/total"]), "other episodes"


@pytest.mark.slow
def test_where_nobody_lives_nothing_is_delivered(program, trained):
    life = trained[0].life
    dead = life.worlds._replace(alive=jnp.zeros_like(life.worlds.alive))
    _, judged = program.evaluate(dataclasses.replace(trained[0], life=life._replace(worlds=dead)))
    assert judged["arena/delivered"] == judged["arena/delivered_high"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_envs": 9}, "shards must divide num_envs"),
        ({"learning": {"minibatches": 5}}, "learning.minibatches must divide the slots"),
        ({"world": {"grid_size": 8, "nest_radius": 3}}, "nest_radius leaves no room"),
        ({"world": {"min_agents": 9}}, "must not fall in this order"),
        ({"world": {"num_agents": 30, "max_agents": 40}}, "do not fit into a nest of 25"),
        ({"world": {"reproduce_cost": 200}}, "reproduce_cost must not exceed"),
        ({"world": {"nest_radius": 9}}, '"foraging.world.nest_radius" must be at most 8'),
        ({"world": {"food_energy": 0}}, "food_energy must be above 0"),
        ({"mode": "evolution"}, 'must be one of "gradient", "evolve", "alternating"'),
        ({"world": {"food": 3}}, 'no key "food" in "foraging.world"'),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        small_world.settings(**changes)


def test_presets_are_the_guides():
    run = config.load("foraging")
    world = run.settings.world
    assert (run.total_steps, run.save_interval) == (10_000_000, 100_000)
    assert run.settings.num_envs == 32
    assert (run.settings.diversity_bonus, run.settings.niche_pressure) == (0.1, 0.05)
    assert (world.num_food, world.starting_energy, world.food_energy) == (20, 200, 100)
    assert (world.reproduce_threshold, world.reproduce_cost) == (120, 50)
    assert config.load("foraging-quick").settings.world == world


def test_checkpoints_name_the_world():
    env = foraging.environment(small_world.settings())
    assert env.name == "foraging"
    assert env.configuration["grid_size"] == 8
    assert env.version.count(".") == 2
    played = evaluation.make(env.name, env.configuration)
    assert played.configuration.episodeSteps == small_world.WORLD["max_steps"] + 1
    assert played.configuration.num_food == small_world.WORLD["num_food"]


@pytest.mark.slow
def test_founders_are_no_births():
    barren = small_world.WORLD | {"reproduce_threshold": 1000, "num_agents": 2}
    settings = small_world.settings(world=barren, num_steps=100)
    params = policy.init(jax.random.key(0), settings.world.observation_size, 16)
    begun = living.begin(settings, jax.random.key(1))
    play = jax.jit(partial(living.play, settings))
    _, trace = play(params, jnp.float32(0), begun, jax.random.key(2))
    metrics = foraging._metrics(trace)
    assert metrics["world/births"] == 0
    assert metrics["world/founders"] > 0


def test_estimates_of_advantages_are_those_of_the_definition():
    draw = np.random.default_rng(0)
    rewards, values = draw.normal(size=(9, 3)), draw.normal(size=(10, 3))
    discounts = np.where(draw.random((9, 3)) < 0.2, 0, 0.9)
    wanted = np.zeros((9, 3))
    for start in range(9):
        factor = np.ones(3)
        for step in range(start, 9):
            error = rewards[step] + discounts[step] * values[step + 1] - values[step]
            wanted[start] += factor * error
            factor = factor * discounts[step] * 0.7
    found = ppo.gae(*(jnp.asarray(each) for each in (rewards, values, discounts)), 0.7)
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-5)


def test_lots_choose_actions_as_often_as_the_policy_says():
    logits = jnp.array([0.3, -1.0, 2.0, 0.0, -3.0])
    lots = (jnp.arange(100_000) + 0.5) / 100_000
    action, log_now = living.choose(jnp.tile(logits, (100_000, 1)), lots)
    wanted = np.exp(np.asarray(jax.nn.log_softmax(logits)))
    np.testing.assert_allclose(np.bincount(np.asarray(action)) / 100_000, wanted, atol=1e-4)
    np.testing.assert_allclose(np.exp(log_now), wanted[np.asarray(action)], rtol=1e-4)
    assert int(living.choose(logits, jnp.float32(1 - 2**-24))[0]) <= 4


def test_recall_agrees_with_acting_before_and_after_a_change_of_hands():
    params = policy.init(jax.random.key(0), 45, 16)
    draw = partial(jax.random.normal, jax.random.key(1))
    first, last = 0.3 * draw((2, 6, policy.genome_size(16)))
    seen = draw((4, 6, 45))
    is_last = jnp.arange(4)[:, None] >= jnp.arange(6) - 1
    logits, values = jax.jit(policy.recall)(params, first, last, is_last, seen)
    for step in range(4):
        genomes = jnp.where(is_last[step][:, None], last, first)
        wanted = jax.jit(policy.act)(params, genomes, seen[step])
        np.testing.assert_allclose(logits[step], wanted[0], atol=1e-5)
        np.testing.assert_allclose(values[step], wanted[1], atol=1e-5)


@pytest.mark.slow
def test_agents_learn_to_keep_apart_where_only_that_is_paid(unoptimised):
    """Fault 3: the terms of diversity were constant, whatever agents did."""
    world = small_world.WORLD | {"grid_size": 20, "energy_per_step": 0.0}
    changes = {"world": world, "diversity_bonus": 60.0, "niche_pressure": 30.0}
    _, found = train(compiled(**changes), 40)
    rewards = [each["world/reward"] for each in found]
    assert rewards[-1] > rewards[0] + 0.2


@pytest.mark.slow
def test_evolution_alone_learns_too_and_leaves_the_shared_weights(unoptimised):
    program = compiled(mode="evolve", evolution={"evolve_std": 0.1})
    before = jax.device_get(program.init().params)
    state, found = train(program, 150)
    jax.tree.map(np.testing.assert_array_equal, before, jax.device_get(state.params))
    rates = [each["world/delivered"] for each in found]
    assert np.mean(rates[-20:]) > 1.2 * np.mean(rates[5:15])


@pytest.mark.slow
def test_modes_take_turns(unoptimised):
    update = 32 * 60 * 8
    turns = {"gradient_steps": 2 * update, "evolve_steps": update}
    program = compiled(mode="alternating", evolution=turns)
    state, changed = program.init(), []
    for _ in range(6):
        before, losses = jax.device_get((state.params, state.losses))
        state, _, metrics = program.update(state)
        same = jax.tree.map(np.array_equal, before, jax.device_get(state.params))
        changed.append(not all(jax.tree.leaves(same)))
        assert changed[-1] or {name: metrics[name] for name in losses} == losses
    assert changed == [True, True, False] * 2


# Runs that are cut


class Run(tiny.Process):
    given = small_world.CONFIG


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def reference(tmp_path_factory, cache):
    run = Run(tmp_path_factory.mktemp("foraging") / "reference", cache)
    assert run.code() == 0, run.log.read_text()
    return run.out


def cut(run, lines, number):
    """At some moment after so many lines of metrics."""
    run.wait_for(lambda: run.lines >= lines)
    time.sleep(0.2 * random.random())
    assert run.send(number) in (-number, 128 + number), run.log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("cores", [None, 1])
def test_a_run_that_was_cut_ends_as_one_that_was_not(tmp_path, reference, cache, number, cores):
    """Worlds, genomes, families and trackers included, on two devices or one."""
    out = tmp_path / "run"
    for part in range(3):
        cut(Run(out, cache, cores if part == 1 else None), part + 1, number)
    assert Run(out, cache).code() == 0
    assert_same(out, reference)


@pytest.mark.slow
def test_a_sweep_ranks_by_what_populations_deliver(tmp_path):
    steps = 3 * small_world.STEPS
    sweep = {"steps": steps, "grid": {"foraging.learning.learning_rate": [0.0001, 0.01]}}
    path = tmp_path / "config.json"
    path.write_text(json.dumps(small_world.CONFIG | {"sweep": sweep}))
    assert launch.launch(str(path), (), tmp_path / "run", "auto", Stop(None)) == 0
    assert "arena/delivered" in json.dumps(summary(tmp_path / "run"))
