"""The sixteen faults of the world that this one replaces: none of them is here."""

import ast
import dataclasses
import json
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import training
from evaluation.envs.foraging import jax_env
from evaluation.envs.foraging.world import World
from tests.training import small_world
from tests.training.toy_runs import regular_steps
from training import config, foraging, launch, policy, ppo
from training import life as living
from training.program import Program
from training.stop import Stop

UP = 1
PACKAGE = Path(training.__file__).parent
pytestmark = pytest.mark.usefixtures("unoptimised")


@pytest.fixture(scope="module")
def settings():
    return small_world.settings()


@pytest.fixture(scope="module")
def begun(settings):
    return jax.jit(partial(foraging.init, config=settings))(jax.random.key(1))


@pytest.fixture(scope="module")
def played(settings, begun):
    """The life after many steps, and its trace: some three episodes of each world."""
    long = dataclasses.replace(settings, num_steps=200)
    play = jax.jit(partial(living.play, long))
    return play(begun.params, jnp.float32(0.1), begun.life, jax.random.key(2))


@pytest.fixture(scope="module")
def batch(settings, begun):
    """What the slots of all worlds lived through, and the life after it."""

    def part(state):
        common, given = (state.params, jnp.float32(0.1)), (state.life, jax.random.key(2))
        return foraging._play_part(dataclasses.replace(settings, num_steps=100), common, given)

    after, batch, _ = jax.jit(part)(begun)
    return after, batch


def obsessed(action: int, width: int) -> jnp.ndarray:
    """A genome that always takes this action."""
    genome = jnp.zeros(policy.genome_size(width))
    return genome.at[-policy.ACTIONS + action].set(1000.0)


def test_1_worlds_begin_anew_when_their_episode_ends(settings, played):
    life, trace = played
    ends = np.asarray(trace.over & trace.alive).all(axis=-1, where=np.asarray(trace.alive))
    assert (np.asarray(life.worlds.step) < settings.world.max_steps).all()
    assert (ends.sum(axis=0) >= 3).all()
    founders = np.asarray(trace.newcomer).sum(axis=-1)[ends]
    assert (founders == settings.world.num_agents).all()


@pytest.mark.slow
def test_2_evolved_weights_act_and_outlive_learning(settings, begun):
    genomes = begun.life.population.genomes.at[:, 0].set(obsessed(UP, settings.network.width))
    life = begun.life._replace(population=begun.life.population._replace(genomes=genomes))
    state = dataclasses.replace(begun, life=life)
    _, trace = jax.jit(partial(living.play, settings))(
        state.params, jnp.float32(0), life, jax.random.key(5)
    )
    first = np.asarray(trace.alive[:10, :, 0] & (np.asarray(life.worlds.step) < 40))
    assert (np.asarray(trace.action[:10, :, 0])[first] == UP).all()
    assert (np.asarray(trace.action[:10, :, 1:]) != UP).mean() > 0.5
    after, _ = jax.jit(foraging.update)(state)
    kept = np.asarray(after.life.population.genomes).reshape(-1, genomes.shape[-1])
    assert (kept[:, -policy.ACTIONS + UP] > 900).any(), "learning left them alone"
    assert (kept[:, -policy.ACTIONS + UP] < 1).any()


def test_3_diversity_is_paid_by_the_step_for_what_agents_do(settings):
    alive = jnp.array([[True, True, True, False]])
    near = jnp.array([[[4, 4], [4, 4], [4, 5], [0, 0]]])
    far = near.at[0, 0].set(jnp.array([0, 0]))
    before, after = (
        np.asarray(living._incentive(settings, alive, place))[0] for place in (near, far)
    )
    assert after[0] > before[0], "one that goes away is paid more"
    assert after[3] == before[3] == 0, "nobody is in the last slot"
    bonus, pressure = settings.diversity_bonus, settings.niche_pressure
    np.testing.assert_allclose(before[0], bonus * 0.05 - pressure, rtol=1e-5)
    np.testing.assert_allclose(after[0], bonus * 0.45 - pressure * 0.6, rtol=1e-5)


def test_4_what_follows_a_death_is_not_the_dead_agents_return(settings, begun, batch):
    rewards = np.zeros((6, 1), np.float32)
    values, over = np.zeros((7, 1), np.float32), np.zeros((6, 1), bool)
    over[2] = True
    rewards[4] = 1.0  # of the next agent in the slot
    discounts = jnp.where(over, 0.0, 0.99)
    advantages = np.asarray(ppo.gae(rewards, values, discounts, 0.95))[:, 0]
    assert (advantages[:3] == 0).all()
    assert (advantages[3:5] > 0).all()


def test_4_every_death_ends_a_return(played):
    _, trace = played
    assert np.asarray(trace.died).sum() > 20
    assert np.asarray(trace.over)[np.asarray(trace.died)].all()


def test_5_learning_recalls_the_probabilities_that_acted(begun, batch):
    _, played = batch
    logits, values = policy.recall(
        begun.params, played.first, played.last, played.is_last, played.seen
    )
    log_all = jax.nn.log_softmax(logits)
    log_now = jnp.take_along_axis(log_all, played.action[..., None], axis=-1)[..., 0]
    taught = np.asarray(played.teaches)
    changed = np.asarray(jnp.any(played.first != played.last, axis=-1))
    assert changed.sum() > 10, "slots changed hands"
    np.testing.assert_allclose(
        np.asarray(log_now)[taught], np.asarray(played.log_probability)[taught], atol=2e-5
    )
    assert np.isfinite(np.asarray(values)).all()


def test_5_all_teach_but_those_between_the_first_and_the_last_in_a_slot(settings, played):
    life, trace = played
    genomes = life.population.genomes
    batch = living.batch_of(settings, trace, genomes, genomes, jnp.zeros(genomes.shape[:2]))
    alive, came = (np.asarray(each).reshape(200, -1) for each in (trace.alive, trace.newcomer))
    owner = np.concatenate([np.zeros((1, 64), int), came.cumsum(axis=0)[:-1]])
    between = (owner > 0) & (owner < came.sum(axis=0))
    assert (alive & between).any()
    assert (np.asarray(batch.teaches) == (alive & ~between)).all()


def test_6_of_several_items_in_reach_those_not_carried_stay():
    world = small_world.world(num_agents=1, min_agents=1)

    @jax.jit
    def stepped():
        state = jax_env.init(world, 1, jax_env.draw_opening(world, 1, jax.random.key(0)))
        food = jnp.full((6, 2), 6).at[:3].set(jnp.array([[0, 0], [1, 2], [2, 1]]))
        state = state._replace(position=state.position.at[0].set(jnp.array([1, 1])), food=food)
        chance = jax_env.draw(world, 1, jax.random.key(1))._replace(respawn=jnp.ones(6))
        return jax_env.step(world, 1, state, jnp.zeros(8, jnp.int32), chance)

    after, outcome = stepped()
    assert int(after.taken.sum()) == int(outcome.picked.sum()) == 1
    assert bool(after.carrying[0])


def test_6_food_lies_on_all_cells_outside_the_nest():
    world = World()
    draws = jax_env.draw_opening(world, 1, jax.random.key(0), (400,))
    food = jax.vmap(partial(jax_env.init, world, 1))(draws).food.reshape(-1, 2)
    cells = {tuple(place) for place in np.asarray(food).tolist()}
    assert len(cells) == 20 * 20 - 5 * 5
    _, counts = np.unique(np.asarray(food), axis=0, return_counts=True)
    assert counts.max() < 5 * counts.mean()


def test_7_a_state_that_was_saved_holds_worlds_and_genomes(begun):
    names = {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(begun)}
    assert {
        ".life.worlds.field",
        ".life.worlds.position",
        ".life.population.genomes",
        ".tracks.series.values",
        ".key",
        ".step",
    } <= names


def test_7_phases_follow_from_the_step_alone():
    alternating = small_world.settings(
        mode="alternating", evolution={"gradient_steps": 500, "evolve_steps": 100}
    )
    steps = jnp.array([0, 499, 500, 599, 600, 1099, 1100])
    learns = jax.vmap(partial(foraging._learns, alternating))(steps)
    assert learns.tolist() == [True, True, False, False, True, True, False]


@pytest.mark.slow  # test_runner.py crosses intervals with a smaller task
def test_8_a_save_interval_is_one(tmp_path):
    name = tmp_path / "config.json"
    changes = {"total_steps": 8 * small_world.STEPS, "save_interval": 3 * small_world.STEPS}
    name.write_text(json.dumps(small_world.CONFIG | changes | {"evaluate_interval": 0}))
    assert launch.launch(str(name), (), tmp_path / "run", "auto", Stop(None)) == 0
    wanted = [3 * small_world.STEPS, 6 * small_world.STEPS, 8 * small_world.STEPS]
    assert regular_steps(tmp_path / "run") == wanted


def test_9_rewards_are_of_the_size_that_a_value_learns(settings, played):
    _, trace = played
    delivered = np.asarray(trace.delivered)
    paid = np.asarray(trace.reward)
    assert 0.85 < paid[delivered].mean() < 1.05
    assert np.abs(paid).max() < 1.1


def test_10_births_touch_the_newborn_only(settings, begun):
    people = jax.tree.map(lambda each: each.reshape(64, *each.shape[2:]), begun.life.population)
    genomes = jax.random.normal(jax.random.key(0), people.genomes.shape)
    people = people._replace(genomes=genomes)
    newcomers = jnp.zeros(64, bool).at[jnp.array([3, 40])].set(True)
    parents = jnp.full(64, -1).at[jnp.array([3, 40])].set(jnp.array([7, 41]))
    after = living.population.renew(
        settings.evolution, people, ~newcomers, newcomers, parents, 0.0, jax.random.key(1)
    )
    others = ~np.asarray(newcomers)
    assert (np.asarray(after.genomes)[others] == np.asarray(genomes)[others]).all()
    assert (np.asarray(after.genomes)[[3, 40]] == np.asarray(genomes)[[7, 41]]).all()


def test_10_no_loop_runs_over_slots(settings, begun):
    """Loops of an update: steps, minibatches, parts and the rounds of the trackers."""
    jaxpr = jax.make_jaxpr(foraging.update)(begun)
    lengths = {eqn.params["length"] for eqn in _equations(jaxpr.jaxpr) if "length" in eqn.params}
    assert settings.num_steps in lengths
    assert settings.world.max_agents not in lengths


def test_11_an_update_descends_a_few_times_on_large_batches(settings, begun):
    preset = config.load("foraging").settings
    slots = preset.num_envs * preset.world.max_agents
    assert preset.learning.epochs * preset.learning.minibatches <= 64
    assert slots * preset.num_steps // preset.learning.minibatches >= 8192
    assert hash(settings) == hash(small_world.settings()), "equal ones share what was compiled"


def test_12_an_update_asks_the_host_nothing(begun):
    jaxpr = jax.make_jaxpr(foraging.update)(begun)
    names = {str(eqn.primitive) for eqn in _equations(jaxpr.jaxpr)}
    assert not {name for name in names if "callback" in name or "host" in name}


def test_13_a_checkpoint_holds_the_shared_weights_once():
    preset = Program(config.load("foraging"))
    state = preset.shapes
    weights = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    slots = state.life.worlds.alive.size
    every = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)
                if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))  # fmt: skip
    assert weights > 7000
    assert every < slots * weights * 4 / 8, "an eighth of copies for all"


def _imports():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield (node.module or "").split(".")[0]


def test_14_nothing_is_ever_unpickled():
    assert not {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"} & set(_imports())


def test_15_a_signal_handler_saves_nothing_itself():
    """It sets a flag; what is saved is the last completed state, between updates."""
    stop = Stop(None)
    stop._note(15, None)
    assert stop.requested
    assert stop.code == 128 + 15


def test_16_training_asks_no_network_and_starts_no_programs_but_its_own():
    """A session starts the trainer in a process of its own, and nothing else does."""
    assert not {"socket", "urllib", "http", "requests"} & set(_imports())
    sources = PACKAGE.rglob("*.py")
    starters = [path.name for path in sources if "import subprocess" in path.read_text()]
    assert starters == ["child.py"]


def _equations(jaxpr):
    for eqn in jaxpr.eqns:
        yield eqn
        for value in eqn.params.values():
            for inner in value if isinstance(value, list | tuple) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from _equations(inner)
