"""Populations are judged by their living alone, and ratios come with intervals over seeds."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.training import foraging_long
from benchmarks.training.course import Moment
from benchmarks.training.foraging_curves import Arms, Judged, chart
from benchmarks.training.foraging_judge import People, delivered
from benchmarks.training.foraging_long import common, rows
from benchmarks.training.foraging_ratios import ratio
from evaluation.envs.foraging.world import World
from tests.training.ablations import WORLD as TINY
from tests.training.ablations import config_of, run_of
from training import checkpoint, foraging, policy
from training.foraging_config import Config, Network
from training.manifest import Manifest

# A nest of one cell, which whoever always goes up has left before it carries anything.
WORLD = World(
    grid_size=9, max_steps=60, nest_radius=0, num_agents=1, min_agents=1, max_agents=6, num_food=30
)
SETTINGS = Config(world=WORLD, network=Network(width=8))


UPWARDS = jnp.zeros(SETTINGS.genome_size).at[-4].set(100.0)  # the bias of that action


@pytest.fixture(scope="module")
def people():
    """One that follows the shared weights, and one that always goes up, whatever it sees."""
    params = policy.init(jax.random.key(0), WORLD.observation_size, 8)
    return People(SETTINGS, params, jnp.stack([jnp.zeros(SETTINGS.genome_size), UPWARDS]))


@pytest.mark.slow
def test_random_play_delivers_and_going_up_for_ever_does_not(people):
    assert delivered(people.random, 0, 8) > 0
    assert delivered(replace(people, genomes=UPWARDS[None]), 0, 8) == 0


@pytest.mark.slow
def test_any_of_the_living_may_be_a_founder(people):
    assert 0 < delivered(people, 0, 8) < delivered(people.shared, 0, 8)


@pytest.mark.slow
def test_each_seed_has_episodes_of_its_own_which_come_again(people):
    first, again, other = (delivered(people.random, seed, 8) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.slow
def test_shared_weights_are_judged_without_any_offset(people):
    alike = replace(people, genomes=jnp.zeros((2, SETTINGS.genome_size)))
    assert delivered(people.shared, 0, 8) == delivered(alike, 0, 8)


def test_what_is_alike_has_a_ratio_of_one_and_no_width():
    assert ratio([1.0, 2.0, 5.0], [1.0, 2.0, 5.0]) == (1, 1, 1)


def test_values_of_a_seed_are_drawn_together():
    """Seeds differ by more than the two things do, and always by the same factor."""
    found = ratio([1.2, 12.0, 120.0], [1.0, 10.0, 100.0])
    assert tuple(found) == pytest.approx((1.2, 1.2, 1.2))


def test_an_interval_spans_what_seeds_disagree_about():
    found = ratio([1.0, 4.0, 1.0, 4.0, 1.0], [2.0] * 5)
    error = 2.7764 * np.log(4) * np.sqrt(1.2 / 4 / 5)
    assert found.value == pytest.approx(4**0.4 / 2)
    assert (found.low, found.high) == pytest.approx(4**0.4 / 2 * np.exp([-error, error]), rel=1e-4)
    assert str(found) == "0.87 [0.34, 2.23]"


def test_the_interval_of_five_seeds_holds_the_true_ratio_95_times_in_100():
    pairs = np.exp(np.random.default_rng(0).normal(size=(4000, 2, 5)))
    held = [found.low <= 1 <= found.high for found in (ratio(*pair) for pair in pairs)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("first", "second"), [([1.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 1.0])])
def test_a_seed_that_delivers_nothing_has_no_ratio(first, second):
    with pytest.raises(ValueError, match="without any food delivered"):
        ratio(first, second)


@pytest.mark.parametrize(("first", "second"), [([1.0], [1.0]), ([1.0, 2.0], [1.0])])
def test_one_seed_has_no_interval(first, second):
    with pytest.raises(ValueError, match="two seeds"):
        ratio(first, second)


def ends(**arms):
    names = dict.fromkeys(Arms._fields, (1.0, 1.0)) | arms
    return [
        Judged(600.0, 50_000_000, Arms(**dict(zip(names, each, strict=True))))
        for each in zip(*names.values(), strict=True)
    ]


def test_rows_hold_where_an_interval_is_clear_of_one():
    gain, shared, unselected = rows(
        ends(learned=(2.0, 2.0), random=(0.1, 0.1), evolved=(2.0, 2.2), shared=(1.0, 2.3),
             unselected=(1.0, 1.1))
    )  # fmt: skip
    assert (gain.holds, shared.holds, unselected.holds) == (True, False, True)
    assert gain.measured.startswith("20.00 [20.00, 20.00] (learned 2.000, evolved 2.100")
    assert "over no selection" in unselected.what


def test_a_seed_without_a_ratio_is_told_in_its_row():
    gain, *_, unselected = rows(ends(random=(0.1, 0.0), unselected=(0.5, 0.5)))
    assert gain.holds is None
    assert gain.measured.startswith("not compared: a seed without any food delivered has no ratio")
    assert unselected.holds


@pytest.mark.slow
def test_the_living_of_a_checkpoint_are_judged(tmp_path):
    begun = jax.jit(foraging.init, static_argnums=1)(jax.random.key(0), config_of(TINY))
    alive, people = begun.life.worlds.alive, begun.life.population
    known = jnp.where(alive[..., None], people.genomes, 7.0)  # those of the dead
    known = known.at[:, 0].set(jnp.arange(2.0)[:, None])
    life = begun.life._replace(population=people._replace(genomes=known))
    about = Manifest(task="foraging", step=0, config=run_of(TINY))
    checkpoint.save(tmp_path / "step_0.safetensors", begun.replace(life=life), about)
    found = People.read(tmp_path / "step_0.safetensors")
    assert np.array_equal(found.genomes, known[alive])
    assert delivered(found, 0, 8) >= 0


def course(name, *points):
    return [Moment(seconds, steps, Path(name)) for seconds, steps in points]


def test_the_evolved_are_judged_beside_the_unselected_and_what_had_been_learned_by_then():
    learned = course("learned", (5.0, 1), (15.0, 2))
    evolved = course("evolved", (4.0, 1), (14.0, 3), (16.0, 4))
    unselected = course("unselected", (4.5, 1), (12.0, 2), (17.0, 4))
    runs = {"learned": learned, "evolved": evolved, "unselected": unselected}
    assert common(runs) == {
        evolved[0]: {"evolved": evolved[0], "unselected": unselected[0], "learned": learned[0]},
        evolved[2]: {"evolved": evolved[2], "unselected": unselected[2], "learned": learned[1]},
    }


def test_the_chart_has_each_seed_the_means_and_random_play():
    curves = [
        [Judged(t, 1, Arms(t, t / 2, t / 3, t / 4, 0.1)) for t in (1.0, 2.0, last)]
        for last in (3.0, 4.0)
    ]
    svg = ET.fromstring(chart(curves, "seconds"))
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}polyline"))) == 4 * 2 + 5
    words = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"learned 3.00", "random 0.10"} <= words


def test_a_moment_is_stored_by_the_names_of_its_arms():
    plain = json.loads(json.dumps(Judged(1.23, 4, Arms(1.0, 2.0, 3.0, 4.0, 5.0)).plain()))
    assert plain["delivered_per_life"] == {
        "learned": 1.0,
        "evolved": 2.0,
        "shared": 3.0,
        "unselected": 4.0,
        "random": 5.0,
    }


@pytest.mark.slow
def test_a_seed_is_trained_three_times_and_judged_on_its_way(monkeypatch, tmp_path):
    """Whose worlds end it, not the clock."""
    small = ("num_envs=4", "num_steps=32", "world.max_steps=50", "learning.minibatches=4")
    settings = ("device=cpu", "total_steps=40000", *(f"foraging.{each}" for each in small))
    for name, value in {"OUT": tmp_path, "SETTINGS": settings, "EVERY": 10_000}.items():
        monkeypatch.setattr(foraging_long, name, value)
    curve = foraging_long.course_of(0)
    assert [judged.steps for judged in curve] == sorted({judged.steps for judged in curve})
    assert curve[-1].steps >= 40_000
    assert all(value >= 0 for judged in curve for value in judged.arms)
    assert len({judged.arms.random for judged in curve}) == 1
    kept = sorted(path.parent.name for path in tmp_path.rglob("step_*.safetensors"))
    assert kept == ["evolved", "learned", "unselected"]
