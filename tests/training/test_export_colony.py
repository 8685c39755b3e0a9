"""Export of a foraging population: its agent acts as the policy did, members by their genomes."""

import dataclasses
import subprocess
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict

from evaluation import bundle, make
from evaluation.envs.foraging.world import World
from evaluation.match import AgentSpec, EpisodeSpec, MatchSpec, play
from tests.training.agents import load
from tests.training.colonies import (
    GENOMES,
    HARVEST,
    LIVING,
    OWN,
    exported,
    params_of,
    population_of,
    write_checkpoint,
)
from training import checkpoint, export, foraging, policy
from training.__main__ import main
from training.export_colony import POOL
from training.foraging_config import Network
from training.manifest import Manifest

FIRST = {"step": 0, "members": [[0.5] * 45] * 3, "ids": [0, 1, 2], "parents": [-1] * 3}


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """A single file."""
    return exported(tmp_path_factory.mktemp("agent"))


@pytest.fixture(scope="module")
def names(agent):
    """Of the agent's module. Its state lasts from test to test, each begins at step 0."""
    return load(agent)


class Policy(nn.Module):
    """Of one agent, as flax has it."""

    width: int

    @nn.compact
    def __call__(self, x):
        for number in (0, 1):
            x = nn.Dense(self.width, name=f"dense_{number}")(x)
            x = nn.tanh(nn.LayerNorm(name=f"norm_{number}")(x))
        return nn.Dense(5, name="policy")(x)


def weights_of(params, genome):
    """The shared ones with the offsets, cut from the genome one after the other."""
    weights, begin = dict(params), 0
    for name in OWN:
        end = begin + params[name].size
        weights[name] = params[name] + genome[begin:end].reshape(params[name].shape)
        begin = end
    return unflatten_dict({tuple(name.split("/")): each for name, each in weights.items()})


def best_genomes(count):
    """Of the living, those who delivered most first; harvests are all different."""
    found = population_of()
    flat = [found[name].reshape(24, -1) for name in (LIVING, HARVEST, GENOMES)]
    living = [
        (int(harvest[0]), genome) for alive, harvest, genome in zip(*flat, strict=True) if alive
    ]
    return [genome for _, genome in sorted(living, key=lambda pair: -pair[0])[:count]]


def seen_by(count, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 45)).astype(np.float32)


def observed(ids, parents, step=1):
    return {"step": step, "members": seen_by(len(ids)).tolist(), "ids": ids, "parents": parents}


def logits_of(genomes, seen):
    policy, params = Policy(16), params_of()
    return [
        policy.apply({"params": weights_of(params, genome)}, one)
        for genome, one in zip(genomes, seen, strict=True)
    ]


@pytest.mark.usefixtures("unoptimised")
def test_each_founder_acts_with_shared_weights_and_a_genome_of_the_best(names):
    ids = list(range(POOL + 2))
    logits = names["COLONY"].logits(observed(ids, [-1] * len(ids), step=0))
    best = best_genomes(POOL)
    wanted = logits_of([*best, *best[:2]], seen_by(len(ids)))
    np.testing.assert_allclose(logits, wanted, atol=1e-4)
    assert np.ptp(logits_of(best, [seen_by(1)[0]] * POOL), axis=0).min() > 0.1


@pytest.mark.usefixtures("unoptimised")
def test_what_the_trainer_saves_plays_as_its_policy(tmp_path):
    settings = foraging.Config(world=World(max_agents=8), num_envs=2, network=Network(width=16))
    state = jax.jit(foraging.init, static_argnums=1)(jax.random.key(0), settings)
    people = state.life.population
    genomes = jax.random.normal(jax.random.key(1), people.genomes.shape)
    people = people._replace(genomes=genomes, harvest=people.harvest.at[1, 5].set(3))
    state = dataclasses.replace(state, life=state.life._replace(population=people))
    about = Manifest(task="foraging", step=0, config={"foraging": dataclasses.asdict(settings)})
    checkpoint.save(tmp_path / "step_0.safetensors", state, about)
    export.export(tmp_path, tmp_path / "main.py")
    logits = load(tmp_path / "main.py")["COLONY"].logits(observed([0, 1], [-1, -1], step=0))
    chosen = jnp.stack([genomes[1, 5], genomes[0, 0]])
    wanted, _ = policy.act(state.params, chosen, seen_by(2))
    np.testing.assert_allclose(logits, wanted, atol=1e-4)


@pytest.mark.usefixtures("unoptimised")
def test_children_inherit_and_a_dead_parents_genome_lives_on(names):
    colony = names["COLONY"]
    colony.logits(observed([7, 8], [-1, -1], step=0))
    colony.logits(observed([8, 9], [-1, 7]))  # 7 dies when its child is there
    logits = colony.logits(observed([11, 10, 9, 12], [9, 5, 7, 8], step=2))  # nobody has seen 5
    first, second, third = best_genomes(3)
    wanted = logits_of([first, third, first, second], seen_by(4))
    np.testing.assert_allclose(logits, wanted, atol=1e-4)


def test_actions_are_drawn_by_squared_probabilities_and_again_the_same(names):
    moments = [FIRST, *({**FIRST, "step": step} for step in range(1, 2000))]
    played = [[names["agent"](each, {}) for each in moments] for _ in range(2)]
    assert played[0] == played[1]
    actions = np.array(played[0])
    assert actions.dtype.kind == "i"
    shares = np.stack([(actions == action).mean(0) for action in range(5)], axis=1)
    wanted = jax.nn.softmax(2 * names["COLONY"].logits(FIRST))
    np.testing.assert_allclose(shares, wanted, atol=0.05)


def test_a_colony_of_nobody_answers_nothing(names):
    assert names["agent"]({"step": 3, "members": [], "ids": [], "parents": []}, {}) == []


def test_members_that_see_something_else_are_named(names):
    with pytest.raises(ValueError, match="trained on 45 numbers a member, not 51"):
        names["agent"]({**FIRST, "members": [[0.0] * 51] * 3}, {})


def test_a_world_of_more_channels_has_its_own_agent(tmp_path):
    names = load(exported(tmp_path, channels=6))
    assert len(names["agent"]({**FIRST, "members": [[0.5] * 57] * 3}, {})) == 3


def test_where_nobody_lives_the_shared_weights_play(tmp_path):
    nobody = {LIVING: np.zeros((2, 12), bool)}
    names = load(exported(tmp_path, tensors=nobody))
    genome = np.zeros_like(best_genomes(1)[0])
    wanted = logits_of([genome] * 3, np.full((3, 45), 0.5, np.float32))
    np.testing.assert_allclose(names["COLONY"].logits(FIRST), wanted, atol=1e-4)


def test_equal_checkpoints_make_equal_bytes(tmp_path):
    sums = set()
    for created in ("2029-01-01T00:00:00+00:00", "2030-01-01T00:00:00+00:00"):
        saved = write_checkpoint(tmp_path / "step_1000.safetensors", created=created)
        sums.add(export.export(saved, tmp_path / "agent.tar.gz").sha256)
    assert len(sums) == 1


def test_the_critic_stays_at_home(names):
    tensors = names["COLONY"].network.shared
    assert tensors.keys() == {*params_of(), "genomes"} - {"value/kernel", "value/bias"}


def test_the_first_answer_of_a_process_is_soon(tmp_path):
    """Loading included; on a busy machine the best of some tries counts."""
    file = exported(tmp_path, width=64)
    script = (
        "import time; started = time.perf_counter(); names = {}\n"
        f"exec(compile(open({str(file)!r}).read(), 'main.py', 'exec'), names)\n"
        f"names['agent']({FIRST!r}, {{}}); print(time.perf_counter() - started)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", script]) for _ in range(3)]
    assert min(map(float, runs)) < 0.5


PLACES = [(seat, seats) for seats in (1, 2, 4) for seat in range(seats)]


@pytest.mark.parametrize(("seat", "seats"), PLACES)
def test_an_agent_leads_the_colony_of_any_seat(seat, seats, agent):
    colonies = ["greedy"] * seats
    colonies[seat] = str(agent)
    env = make("foraging", {"episodeSteps": 40}, info={"seed": seat})
    env.run(colonies)
    assert [each.status for each in env.state] == ["DONE"] * seats
    played = [step[seat].action for step in env.steps[1:]]
    assert all(played)
    assert {action for actions in played for action in actions} == {0, 1, 2, 3, 4}


OTHER = {"episodeSteps": 120, "grid_size": 12, "food_seen": 3, "reproduce_threshold": 60}


def test_in_a_world_unlike_its_own_it_plays_boxed_and_its_children_too(agent, tmp_path):
    folder = bundle.unpack(agent, "main.py", tmp_path / "unpacked").parent
    colonies = (AgentSpec(str(folder), startup_s=1), AgentSpec("greedy", "builtin"))
    (result,) = play(MatchSpec([EpisodeSpec("foraging", OTHER, colonies, seed=1)])).episodes
    assert result.verdicts == [None, None]
    assert result.statuses == ["DONE", "DONE"]
    counts = [len(actions) for actions in result.moves[0]]
    assert max(counts) > counts[0]


def refused(checkpoint, reason, capsys):
    """By the command, in one sentence, with exit code 2; no file is left."""
    out = checkpoint.parent / "agent.tar.gz"
    code = main(["export", "--checkpoint", str(checkpoint), "--out", str(out)])
    said = capsys.readouterr().err
    assert code == 2
    assert reason in said
    assert said.count("\n") == 1
    assert not out.exists()


def config(world, network):
    return {"config": {"foraging": {"world": world, "network": network}}}


def tensors(name, tensor):
    return {"tensors": {name: tensor}}


CANNOT_PLAY = {
    "another world": ({"environment": {"name": "rps"}}, "'rps'"),
    "no config": ({"config": {}}, "what network"),
    "no channels": (config({}, {"width": 16}), "what network"),
    "too many channels": (config({"channels": 9}, {"width": 16}), "what network"),
    "other channels": (config({"channels": 3}, {"width": 16}), "params/dense_0/kernel"),
    "a width beyond reason": (config({"channels": 4}, {"width": 10**9}), "what network"),
    "another width": (config({"channels": 4}, {"width": 8}), "params/dense_0/bias"),
    "a layer missing": (
        tensors("params/norm_1/bias", None),
        "lacks the tensor params/norm_1/bias",
    ),
    "a layer too many": (tensors("params/x", np.ones(1, "f4")), "unknown tensor params/x"),
    "doubles": (tensors("params/value/bias", np.ones(1, "f8")), "params/value/bias"),
    "no genomes": (tensors(GENOMES, None), f"lacks the tensor {GENOMES}"),
    "no harvest": (tensors(HARVEST, None), f"lacks the tensor {HARVEST}"),
    "no living": (tensors(LIVING, None), f"lacks the tensor {LIVING}"),
    "genomes of another policy": (tensors(GENOMES, np.zeros((2, 12, 9), "f4")), f"{GENOMES} is"),
    "too few genomes": (tensors(GENOMES, np.zeros((2, 11, 149), "f4")), f"{GENOMES} is"),
    "lives that are numbers": (tensors(LIVING, np.ones((2, 12), "i4")), f"{LIVING} is"),
    "genomes that are no numbers": (
        tensors(GENOMES, np.full((2, 12, 149), np.nan, "f4")),
        f"infinite numbers in {GENOMES}",
    ),
}


@pytest.mark.parametrize("what", CANNOT_PLAY)
def test_a_checkpoint_that_cannot_play_is_refused(what, tmp_path, capsys):
    changes, reason = CANNOT_PLAY[what]
    refused(write_checkpoint(tmp_path / "step_7.safetensors", **changes), reason, capsys)


def test_a_world_of_other_channels_is_none_that_it_can_play():
    trained = {"name": "foraging", "version": "1.0.0", "configuration": {"channels": 4}}
    found = Manifest(task="foraging", step=1, config={}, environment=trained)
    world = {"channels": 4, "grid_size": 30}
    assert export.misfit(found, "foraging", "1.0.0", world) == ""
    told = export.misfit(found, "foraging", "1.0.0", world | {"channels": 2})
    assert told == "This checkpoint was trained with channels 4, not 2."
    assert "not on foraging 2.0.0" in export.misfit(found, "foraging", "2.0.0", world)
