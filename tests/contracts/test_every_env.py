"""What every game folder keeps to, whichever games there are."""

import ast
import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import evaluation
from evaluation import make, replay

ENVS = Path(evaluation.__file__).parent / "envs"
GAMES = sorted(path.parent.name for path in ENVS.glob("*/*.json"))
SHORT = {"foraging": {"episodeSteps": 41}}  # 501 steps of a hundred agents show no more here
SLEEPERS = {"timeout"}  # made to run out of time; its game's own tests give it small clocks


@pytest.fixture(params=GAMES)
def name(request) -> str:
    return request.param


@pytest.fixture
def folder(name: str) -> Path:
    return ENVS / name


def play(name: str, agents: list[Any], seed: int = 7) -> evaluation.Environment:
    random.seed(seed)
    env = make(name, SHORT.get(name), info={"seed": seed})
    env.run(agents)
    return env


def fill_seats(name: str, agent: Any, other: Any = "random") -> list[Any]:
    return [agent, *[other] * (make(name).specification.agents[0] - 1)]


def test_the_registry_finds_every_folder():
    assert set(GAMES) <= set(evaluation.environments)
    assert {"connectx", "tictactoe"} <= set(GAMES)


def test_a_game_exports_what_kaggle_environments_asks_for(name):
    module = evaluation.environments[name]
    for function in ("interpreter", "renderer", "html_renderer"):
        assert callable(module[function])
    assert module["specification"]["name"] == name
    assert module["specification"]["title"]
    assert module["specification"]["version"].count(".") == 2
    assert "random" in module["agents"]


def test_a_game_imports_its_own_folder_the_standard_library_and_numpy(name, folder):
    files, allowed = [folder / f"{name}.py"], sys.stdlib_module_names | {"numpy"}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 1:
                inner = [node.module] if node.module else [alias.name for alias in node.names]
                files += [p for p in (folder / f"{n}.py" for n in inner) if p not in files]
                continue
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            for imported in names:
                assert imported.split(".")[0] in allowed, (file, imported)
    assert len(files) > 1


def test_every_built_in_agent_finishes_in_every_seat(name):
    for agent in set(make(name).agents) - SLEEPERS:
        seats = fill_seats(name, agent)
        for turned in (seats, seats[::-1]):
            env = play(name, turned)
            assert {seat.status for seat in env.state} == {"DONE"}, agent
            assert all(seat.reward is not None for seat in env.state)


def test_one_seed_gives_one_episode(name):
    agents = fill_seats(name, "random")
    assert play(name, agents, 3).steps == play(name, agents, 3).steps
    assert play(name, agents, 3).steps != play(name, agents, 4).steps


def test_a_replay_becomes_bytes_and_loads_again(name):
    played = play(name, fill_seats(name, "random")).toJSON()
    assert replay.verify(played) is None
    loaded = replay.from_bytes(replay.to_bytes(played))
    assert loaded == played
    again = make(name, loaded["configuration"], loaded["info"], loaded["steps"])
    assert again.toJSON()["steps"] == played["steps"]
    assert again.done


def test_an_episode_goes_on_from_any_step(name):
    env = play(name, fill_seats(name, "random"))
    half = len(env.steps) // 2
    resumed = make(name, env.configuration, env.info, env.toJSON()["steps"][:half])
    for step in env.steps[half:]:
        resumed.step([seat.action for seat in step])
    assert resumed.steps == env.steps


def test_no_observation_holds_hidden_fields_or_the_seed(name):
    hidden = [key for key, field in make(name).specification.observation.items()
              if field.get("hidden")]  # fmt: skip
    seen: list[Any] = []
    bot = make(name).agents.random

    def agent(observation, configuration):
        seen.append((observation.copy(), configuration.copy()))
        return bot(observation, configuration)

    play(name, fill_seats(name, agent, agent))
    for observation, configuration in seen:
        assert not set(hidden) & set(observation)
        assert configuration.get("seed") is None


def test_a_fault_nulls_its_seat_only(name):
    def breaks():
        raise RuntimeError

    env = play(name, fill_seats(name, breaks))
    assert env.state[0].status in {"ERROR", "INVALID"}  # rps calls every fault INVALID
    assert env.state[0].reward is None
    assert env.fault(0) == "Error: RuntimeError()"
    assert all(seat.status == "DONE" and seat.reward is not None for seat in env.state[1:])
    assert re.fullmatch(r"Seat 1 .* at step 1", env.summary()["cause"])


def test_the_starter_agent_clearly_beats_the_first_built_in(name, folder):
    """Games list the weakest first, most of them `random`."""
    starter, weakest = str(folder / "starter.py"), next(iter(make(name).agents))
    points = []
    for seed in range(10):
        for seats in ([starter, weakest], [weakest, starter]):
            env = play(name, seats, seed)
            own, other = (env.state[seats.index(agent)].reward for agent in (starter, weakest))
            points.append((own > other) + 0.5 * (own == other))
    assert sum(points) / len(points) > 0.8


def test_the_end_is_told_in_one_sentence(name):
    for seed in range(5):
        env = play(name, fill_seats(name, "random"), seed)
        told = env.summary()
        rewards = [seat.reward for seat in env.state]
        assert told["cause"]
        assert "\n" not in told["cause"]
        if told["winner"] is not None:
            assert rewards[told["winner"]] == max(rewards)
        else:
            assert len(rewards) == 1 or rewards.count(max(rewards)) > 1
        assert told == replay.summary(env.toJSON())


def test_every_step_is_drawn_as_text(name):
    env = play(name, fill_seats(name, "random"))
    assert env.render(mode="ansi").strip()
    assert env.render(mode="ansi") != make(name).render(mode="ansi")


def test_a_page_needs_no_network_and_is_small(name):
    page = play(name, fill_seats(name, "random")).render(mode="html")
    assert "default-src 'none'" in page
    assert len(page) < 60_000


def test_the_drawing_module_exports_renderer(folder, name):
    assert "export function renderer(context)" in (folder / f"{name}.js").read_text()


def test_the_readme_lists_every_key_and_agent(name, folder):
    text = (folder / "README.md").read_text()
    env = make(name)
    assert env.version in text
    fields = [*env.specification.configuration, *env.specification.observation, *env.agents]
    assert [field for field in fields if f"`{field}`" not in text] == []
    for heading in ("Observation", "Action", "Reward", "Configuration"):
        assert f"## {heading}" in text
