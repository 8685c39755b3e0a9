"""Hand-made positions of tic-tac-toe, `.` for an empty cell."""

import random
from typing import Any

import pytest

from evaluation import make
from evaluation.envs.tictactoe import agents, rules, starter
from evaluation.utils import Struct


def cells(drawing: str) -> list[int]:
    return [".XO".index(letter) for letter in drawing if letter in ".XO"]


def observe(drawing: str, mark: int = 1) -> Struct:
    return Struct(board=cells(drawing), mark=mark)


def test_a_mark_is_placed_and_the_turn_goes_on() -> None:
    before = rules.State(cells("X.. .O. ..."))
    after = rules.step(before, [2, None])
    assert after == rules.State(cells("X.X .O. ..."), mover=1, mark=2)
    assert before.board == cells("X.. .O. ...")


@pytest.mark.parametrize("cell", [0, 9, -1, None, "2", 2.0])
def test_an_impossible_cell_changes_nothing(cell: Any) -> None:
    before = rules.State(cells("X.. .O. ..."))
    assert rules.step(before, [cell, None]) == before._replace(outcome=rules.ILLEGAL)


@pytest.mark.parametrize(
    ("drawing", "cell"),
    [
        ("XX. OO. ...", 2), ("OO. XX. ...", 5), ("OO. ... XX.", 8), ("X.. X.. ...", 6),
        (".X. .X. ...", 7), ("..X ..X ...", 8), ("X.. .X. ...", 8), ("..X .X. ...", 6),
    ],
)  # fmt: skip
def test_each_line_wins(drawing: str, cell: int) -> None:
    after = rules.step(rules.State(cells(drawing)), [cell, None])
    assert after.outcome == rules.WON
    assert cell in rules.winning_line(after.board, 1)
    assert not rules.winning_line(after.board, 2)


def test_a_full_board_without_a_line_is_a_draw() -> None:
    after = rules.step(rules.State(cells("XOX XOO OX.")), [8, None])
    assert after.outcome == rules.DRAWN


def test_the_last_cell_can_still_win() -> None:
    assert rules.step(rules.State(cells("XOX OXO OX.")), [8, None]).outcome == rules.WON


@pytest.mark.parametrize(
    "play",
    [agents.reaction_agent, agents.tactical_agent, agents.negamax_agent, starter.agent],
)
def test_good_bots_win_before_they_block(play: Any) -> None:
    config = Struct()
    for _ in range(5):
        assert play(observe("XX. OO. ..."), config) == 2
        assert play(observe("X.. OO. ..X"), config) == 5
        assert play(observe("X.O .O. X.."), config) == 3
        assert play(observe("OO. XX. ...", mark=2), config) == 2


def test_tactical_makes_a_fork() -> None:
    for _ in range(5):
        assert agents.tactical_agent(observe("X.. OX. ..O")) in {1, 2}


def outcomes(first: str, second: str, games: int) -> set[float | None]:
    return {make("tictactoe").run([first, second])[-1][0].reward for _ in range(games)}


def test_negamax_never_loses() -> None:
    random.seed(1)
    assert outcomes("negamax", "negamax", 10) == {0}
    assert -1 not in outcomes("negamax", "tactical", 40) | outcomes("negamax", "random", 40)
    assert 1 not in outcomes("tactical", "negamax", 40) | outcomes("random", "negamax", 40)


@pytest.mark.parametrize("better", ["reaction", "tactical", "negamax", starter.agent])
def test_good_bots_beat_random(better: Any) -> None:
    random.seed(3)
    first = [make("tictactoe").run([better, "random"])[-1][0].reward for _ in range(40)]
    second = [make("tictactoe").run(["random", better])[-1][1].reward for _ in range(40)]
    assert sum(first + second) / 80 > 0.5


def test_agents_take_the_observation_alone() -> None:
    for name, play in agents.agents.items():
        assert play(observe("XOX OX. OXO")) == 5, name


def test_the_engine_plays_what_the_rules_say() -> None:
    env = make("tictactoe")
    state = rules.State([0] * 9)
    random.seed(8)
    while not env.done:
        actions = [random.randrange(9) if s.status == "ACTIVE" else None for s in env.state]
        state = rules.step(state, actions)
        env.step(actions)
        assert env.state[0].observation.board == state.board
    assert state.outcome != rules.PLAYING


def test_a_summary_of_every_end() -> None:
    env = make("tictactoe")
    env.run([lambda obs: obs.board.index(0), lambda obs: 8 - obs.board[::-1].index(0)])
    assert env.summary() == {
        "cause": "Three in a row for seat 1",
        "winner": 0,
        "decisive_step": 5,
        "cells": [0, 1, 2],
    }
    env.run(["negamax", "negamax"])
    assert env.summary()["cause"] == "Board full: a draw"
    env = make("tictactoe", {"episodeSteps": 2})
    env.run(["random", "random"])
    assert env.summary()["cause"] == "Stopped after 1 moves: a draw"
