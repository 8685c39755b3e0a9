"""Replays as bytes, in public, in words and as a page."""

import gzip
import json
import random

import numpy
import pytest

from evaluation import errors, make, replay


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
    assert len(data) < 3_000


def test_bytes_are_gzipped_strict_json(played):
    assert json.loads(gzip.decompress(replay.to_bytes(played))) == played


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
    odd = {"n": numpy.int64(3), 4: 2**80, "t": (1, 2), "f": 0.5, "s": "\udfff", "b": True}
    assert replay.from_bytes(replay.to_bytes(odd)) == {
        "n": repr(numpy.int64(3)), "4": None, "t": [1, 2], "f": 0.5, "s": "?", "b": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", gzip.compress(b"[1]"), gzip.compress(b"{")],
    ids=["empty", "no gzip", "no object", "no json"],
)
def test_damaged_bytes_are_refused(data):
    with pytest.raises(errors.InvalidArgument):
        replay.from_bytes(data)


@pytest.mark.parametrize("missing", [1, 8, 40])
def test_a_cut_replay_is_refused(played, missing):
    with pytest.raises(errors.InvalidArgument):
        replay.from_bytes(replay.to_bytes(played)[:-missing])


def test_a_replay_that_unpacks_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(replay, "SIZE_LIMIT", 1000)
    with pytest.raises(errors.InvalidArgument):
        replay.from_bytes(gzip.compress(b'{"a": "' + b"x" * 2000 + b'"}'))


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
    assert "Four in a row for seat 2" in page
    assert played["title"] in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    stated = {**played, "info": {"result": {"cause": "As the league said"}}}
    assert "As the league said" in replay.html(stated)


def test_hostile_words_never_become_markup():
    words = "</script><img src=x onerror=alert(1)>"
    env = make("tictactoe", info={"TeamNames": [words, "b"]})
    env.run([lambda: print(words) or words, "random"])
    assert words not in env.render(mode="html")
