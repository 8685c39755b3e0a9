"""Games with good agents: every step, reward and status is that of kaggle-environments."""

import importlib
import shutil
from pathlib import Path

import pytest

import evaluation
from evaluation import catalogue
from tests.kaggle_environments.parity import both, difference, episode, kaggle, plain, same

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # werewolf's, of pydantic
# name: seats, agents to play them, configuration
EPISODES = [
    ("connectx", 2, "random", {}),
    ("connectx", 2, "random", {"rows": 4, "columns": 5, "inarow": 3}),
    ("connectx", 2, "negamax", {"rows": 5, "columns": 5}),
    *(("rps", 2, name, {"episodeSteps": 30}) for name in ("statistical", "counter_reactionary")),
    ("crawl", 2, "random", {"randomSeed": 3}),
    ("halite", 4, "random", {"episodeSteps": 60, "randomSeed": 3}),
    ("halite", 2, "random", {"episodeSteps": 60}),
    ("halite", 1, "random", {"episodeSteps": 30}),
    ("hungry_geese", 8, "random", {}),
    ("hungry_geese", 4, "greedy", {"episodeSteps": 60}),
    ("kaggriculture", 2, "starter", {"episodeSteps": 60, "seed": 3}),
    ("kaggriculture_beginner", 2, "starter", {"episodeSteps": 60}),
    ("kargo", 2, "greedy", {"episodeSteps": 30, "seed": 3}),
    ("kore_fleets", 2, "random", {"episodeSteps": 40}),
    ("kore_fleets", 4, "random", {"episodeSteps": 40, "randomSeed": 7}),
    ("lux_ai_2021", 2, "simple_agent", {"episodeSteps": 30, "seed": 3}),
    ("lux_ai_s2", 2, "random_agent", {"seed": 3, "episodeSteps": 30}),
    ("orbit_wars", 4, "starter", {"episodeSteps": 60, "seed": 2}),
    ("orbit_wars", 2, "random", {"episodeSteps": 60}),
    ("planet_wars", 2, "random", {}),
    ("reinforce_tactics", 2, "simple_bot", {"episodeSteps": 60}),
    ("werewolf", 6, "deterministic", {}),
    ("word_art", 4, "random", {}),
    ("word_association", 4, "random", {}),
]
# They draw from the system, load for long or ask a minute a step: played in no suite.
NOT_PLAYED = {"cabt", "mab", "lux_ai_s3", "pyxis"}
SLOW_GAMES = {
    "open_spiel_repeated_poker",
    "open_spiel_shogi",
    "open_spiel_python_repeated_pokerkit",
    "open_spiel_lines_of_action",
    "open_spiel_ant_foraging_arena",
}
OPEN_SPIEL = sorted(
    name
    for name in evaluation.environments
    if name.startswith("open_spiel_") and name not in SLOW_GAMES
)
ROLES = ["Werewolf", "Werewolf", "Doctor", "Seer", "Villager", "Villager"]
PLAYERS = [{"id": f"player {n}", "agent_id": "random", "role": r} for n, r in enumerate(ROLES)]


def require(name: str) -> None:
    """Skips, with the reason, where a game lacks what it needs on this machine."""
    if name == "lux_ai_2021" and not shutil.which("node"):
        pytest.skip("Node is not installed.")
    try:
        evaluation.make(name)
    except (evaluation.errors.InvalidArgument, ImportError) as error:
        pytest.skip(str(error))


def forget(name: str) -> None:
    """Agents of hungry_geese remember the episode before in a variable of their module."""
    if name == "hungry_geese":
        module = importlib.import_module("kaggle_environments.envs.hungry_geese.hungry_geese")
        module.cached_greedy_agents.clear()


@pytest.mark.parametrize(
    ("name", "seats", "agent", "configuration"),
    EPISODES,
    ids=[f"{name}-{seats}-{agent}-{n}" for n, (name, seats, agent, _) in enumerate(EPISODES)],
)
def test_an_episode_is_the_same(name, seats, agent, configuration):
    require(name)
    if name == "werewolf":
        configuration = {"seed": 7, "agents": PLAYERS}
    play = episode(name, lambda: [agent] * seats, configuration)

    def play_afresh(make):
        forget(name)
        return play(make)

    assert len(same(play_afresh)["steps"]) > 1


@pytest.mark.parametrize("name", OPEN_SPIEL)
def test_an_episode_of_open_spiel_is_the_same(name):
    require(name)
    seats = evaluation.make(name).specification.agents[0]
    play = episode(name, lambda: ["random"] * seats, {"includeLegalActions": True})
    ours = same(play)
    assert len(ours["steps"]) > 2
    assert set(ours["statuses"]) == {"DONE"}


def test_every_game_that_kaggle_environments_offers_is_named_here():
    offered = {*kaggle.environments, *kaggle.core._lazy_environments}
    assert offered <= set(evaluation.environments)


def test_every_game_is_played_here_or_listed_as_not():
    played = {name for name, *_ in EPISODES} | {*OPEN_SPIEL} | SLOW_GAMES | NOT_PLAYED
    assert catalogue.names() - played <= {"football"}


def test_a_seed_decides_an_episode_of_the_global_generators():
    play = episode("halite", lambda: ["random"] * 2, {"episodeSteps": 20})
    first, second = both(play, seed=1), both(play, seed=2)
    assert difference(plain(first[0]), plain(first[1])) is None
    assert difference(plain(first[0]), plain(second[0]))


def test_a_dictionary_that_kaggle_environments_has_used_registers_as_it_is():
    kaggle.make("halite")
    evaluation.register("halite again", kaggle.environments["halite"])
    env = evaluation.make("halite again", {"episodeSteps": 10})
    assert env.run(["random", "random"])[-1][0].status == "DONE"
    assert env.specification.reward.type == ["number", "null"]
    evaluation.environments._modules.pop("halite again")


def test_a_module_is_played_by_both_engines_from_one_dictionary():
    module = dict(evaluation.environments["kore_fleets"])
    same(episode(module, lambda: ["random"] * 2, {"episodeSteps": 20, "randomSeed": 1}))


def test_a_folder_of_ours_is_played_as_one_of_theirs(monkeypatch):
    folders = [*kaggle.envs.__path__, str(Path(evaluation.__file__).parent / "envs")]
    monkeypatch.setattr(kaggle.envs, "__path__", folders)
    game = importlib.import_module("kaggle_environments.envs.foraging.foraging")
    assert not game.interpreter.__module__.startswith("evaluation")
    names = ("agents", "html_renderer", "interpreter", "renderer", "specification")
    theirs = kaggle.make(
        {name: getattr(game, name) for name in names}, {"episodeSteps": 31}, info={"seed": 3}
    )
    theirs.run(["greedy", "pheromone", lambda: [9]])
    ours = evaluation.make("foraging", {"episodeSteps": 31}, {"seed": 3})
    ours.reset(3)
    for step in theirs.steps[1:]:
        ours.step([seat.action for seat in step])
    assert [seat.reward for seat in ours.state] == [seat.reward for seat in theirs.state]
    assert [seat.status for seat in ours.state] == ["DONE", "DONE", "INVALID"]
    assert plain(ours.observation(1).members) == plain(theirs.state[1].observation.members)
