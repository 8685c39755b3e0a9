"""Replays as bytes, in public, in words and as a page."""

import gzip
import hashlib
import json
import random
from pathlib import Path

import numpy
import orjson
import pytest

from evaluation import make, replay
from evaluation.match import AgentSpec, EpisodeSpec, play_episode
from tests.evaluation.test_player import packed

FORMAT_1 = "d05f1451f50e4fdfddc2174906eb3c492b633b7dc7c08674a9f82afcd9c1042f"


@pytest.fixture
def played():
    random.seed(2)
    env = make("connectx", {"seed": 4})
    env.run([lambda obs: print("a secret plan") or obs.board.index(0), "negamax"])
    return env.toJSON()


def test_bytes_give_the_replay_back_and_repeat(played):
    data = replay.to_bytes(played)
    assert replay.from_bytes(data) == played
    assert replay.to_bytes(played) == data


def test_the_text_is_strict_json_byte_for_byte(played):
    assert replay.unpack(replay.to_bytes(played)) == orjson.dumps(played)


@pytest.mark.parametrize("agent", ["random", "negamax"])
def test_a_public_episode_of_connectx_takes_less_than_2_kb(agent):
    built_in = AgentSpec(agent, "builtin", name="A team of some name")
    public = play_episode(EpisodeSpec("connectx", {}, [built_in, built_in], seed=1)).replay
    assert public["logs"][1][0]["duration"]
    assert len(replay.to_bytes(public)) < 1_000


def test_a_long_episode_takes_less_than_compressed_json_does():
    env = make("rps")
    env.run([lambda: random.randrange(3), "statistical"])
    played = env.toJSON()
    data = replay.to_bytes(played)
    assert replay.from_bytes(data) == played
    assert len(data) < 0.9 * len(gzip.compress(orjson.dumps(played)))


def test_the_format_does_not_change_unnoticed():
    folder = Path(replay.__file__).parent
    digest = hashlib.sha256((folder / "format_1.txt").read_bytes()).hexdigest()
    assert digest == FORMAT_1
    golden = Path(__file__).parent / "golden" / "connectx.replay"
    assert replay.from_bytes(golden.read_bytes())["rewards"] == [1, -1]


def test_a_replay_of_the_first_leagues_still_loads(played):
    assert replay.from_bytes(gzip.compress(json.dumps(played).encode())) == played


def test_a_replay_loads_into_an_environment_again(played):
    loaded = replay.from_bytes(replay.to_bytes(played))
    env = make(loaded["name"], loaded["configuration"], loaded["info"], loaded["steps"])
    assert env.toJSON()["steps"] == played["steps"]
    assert env.toJSON()["rewards"] == played["rewards"]


@pytest.mark.parametrize("answer", ["\ud800 surrogate", "</script><script>alert(1)</script>"])
def test_whatever_was_printed_becomes_bytes(answer):
    env = make("tictactoe")
    env.run([lambda: print(answer) or 0, "random"])
    loaded = replay.from_bytes(replay.to_bytes(env.toJSON()))
    assert "script" in loaded["logs"][1][0]["stdout"] or "? surr" in loaded["logs"][1][0]["stdout"]


def test_what_json_has_no_word_for_becomes_the_nearest_it_has():
    odd = {4: 2**80, "t": (1, 2), "f": 0.5, "s": "\udfff", "b": True, "j": 2j}
    assert replay.from_bytes(replay.to_bytes(odd)) == {
        "4": None, "t": [1, 2], "f": 0.5, "s": "?", "b": True, "j": "2j",
    }  # fmt: skip


@pytest.mark.parametrize("more", [{}, {4: 2**80}])
def test_numbers_of_numpy_are_numbers(more):
    odd = {"n": numpy.int64(3), "f": numpy.float64(0.5), "a": numpy.arange(2), **more}
    loaded = replay.from_bytes(replay.to_bytes(odd))
    assert {key: loaded[key] for key in "nfa"} == {"n": 3, "f": 0.5, "a": [0, 1]}


def test_the_public_form_has_durations_and_no_output(played):
    public = replay.strip_private(played)
    assert "secret plan" in json.dumps(played)
    assert "secret plan" not in json.dumps(public)
    assert public["logs"][1][0] == {"duration": played["logs"][1][0]["duration"]}
    assert [len(step) for step in public["logs"]] == [len(step) for step in played["logs"]]
    assert {**public, "logs": 0} == {**played, "logs": 0}


def test_the_public_form_leaves_the_private_one_alone(played):
    public = replay.strip_private(played)
    public["info"]["TeamNames"] = ["a", "b"]
    assert "TeamNames" not in played["info"]
    assert "stdout" in played["logs"][1][0]


def test_a_replay_says_how_it_ended(played):
    assert replay.summary(played)["cause"] == "Four in a row for seat 2"
    assert replay.summary({**played, "name": "unknown"})["cause"] == "Best reward for seat 2"
    assert replay.summary({**played, "steps": played["steps"][:3]})["cause"] == "Not finished"


def test_a_page_holds_player_replay_and_cause(played):
    page = replay.html(played)
    assert "Four in a row for seat 2" in str(packed(page))
    assert played["title"] in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    stated = {**played, "info": {"result": {"cause": "As the league said"}}}
    assert "As the league said" in str(packed(replay.html(stated)))


def test_hostile_words_never_become_markup():
    words = "</script><img src=x onerror=alert(1)>"
    env = make("tictactoe", info={"TeamNames": [words, "b"]})
    env.run([lambda: print(words) or words, "random"])
    assert words not in env.render(mode="html")
