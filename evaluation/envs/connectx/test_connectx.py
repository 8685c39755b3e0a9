"""Hand-made positions of ConnectX. Boards are drawn as people see them, `.` for an empty cell."""

import random
from time import process_time
from typing import Any

import pytest

from evaluation import make
from evaluation.envs.connectx import agents, rules, starter
from evaluation.envs.connectx.connectx import summary
from evaluation.utils import Struct

SEVEN_BY_SIX = Struct(rows=6, columns=7, inarow=4)


def cells(drawing: str) -> list[int]:
    return [".12".index(letter) for letter in drawing if letter in ".12"]


def position(drawing: str, columns: int, inarow: int, mark: int = 1) -> rules.State:
    board = cells(drawing)
    return rules.State(board, len(board) // columns, columns, inarow, mark - 1, mark)


def test_a_checker_falls_to_the_lowest_empty_cell() -> None:
    before = position("... .2. .1.", columns=3, inarow=3)
    after = rules.step(before, [1, None])
    assert after.board == cells(".1. .2. .1.")
    assert (after.outcome, after.mover, after.mark, after.cell) == (rules.PLAYING, 1, 2, 1)
    assert before.board == cells("... .2. .1.")


@pytest.mark.parametrize("column", [1, 3, -1, None, "0", 0.0])
def test_an_impossible_column_changes_nothing(column: Any) -> None:
    before = position(".1. .2. .1.", columns=3, inarow=3)
    after = rules.step(before, [column, None])
    assert after == before._replace(outcome=rules.ILLEGAL)


@pytest.mark.parametrize(
    ("drawing", "column", "line"),
    [
        ("..... ..... 1.... 1....", 0, [5, 10, 15]),
        ("..... ..... ..... 11.22", 2, [15, 16, 17]),
        ("..... ..... ..... 1.1..", 1, [15, 16, 17]),
        ("..... ..... ..... 11.11", 2, [15, 16, 17, 18, 19]),
        ("..... ..... .12.. 121..", 2, [7, 11, 15]),
        ("..... ..... 21... 221..", 0, [5, 11, 17]),
        ("..... ..... .22.. 121..", 2, []),
        ("..... ..... ..... 1.2..", 1, []),
        ("..... ..... ..... 11.22", 4, []),
    ],
)
def test_lines_in_every_direction(drawing: str, column: int, line: list[int]) -> None:
    before = position(drawing, columns=5, inarow=3)
    after = rules.step(before, [column, None])
    assert after.outcome == (rules.WON if line else rules.PLAYING)
    assert rules.line(after.board, after.cell or 0, 4, 5, 3) == line


def test_a_line_does_not_wrap_around_the_edge() -> None:
    after = rules.step(position("..... 11... 222.1", columns=5, inarow=3), [3, None])
    assert after.outcome == rules.PLAYING
    after = rules.step(position("...... 1....1 2..211", columns=6, inarow=4), [3, None])
    assert after.outcome == rules.PLAYING


def test_a_full_board_is_a_draw() -> None:
    assert rules.step(position("2. 12", columns=2, inarow=3), [1, None]).outcome == rules.DRAWN


def test_one_row_and_one_in_a_row_are_played() -> None:
    assert rules.step(position("1.1", columns=3, inarow=3), [1, None]).outcome == rules.WON
    assert rules.step(position("...", columns=3, inarow=1), [2, None]).outcome == rules.WON


def test_the_engine_plays_what_the_rules_say() -> None:
    env = make("connectx", {"rows": 4, "columns": 5, "inarow": 3})
    state = rules.State([0] * 20, 4, 5, 3)
    random.seed(8)
    while not env.done:
        column = random.randrange(5)
        actions = [column if seat.status == "ACTIVE" else None for seat in env.state]
        state = rules.step(state, actions)
        env.step(actions)
        assert env.state[0].observation.board == state.board
    assert state.outcome in {rules.WON, rules.ILLEGAL, rules.DRAWN}


def test_the_drawing_of_a_board() -> None:
    board = [0, 0, 0, 2, 1, 2]
    env = make("connectx", {"rows": 2, "columns": 3}, state={"observation": {"board": board}})
    bar = "+---+---+---+\n"
    assert env.render(mode="ansi") == f"{bar}| 0 | 0 | 0 |\n{bar}| 2 | 1 | 2 |\n{bar}"


def observe(drawing: str, mark: int = 1) -> Struct:
    return Struct(board=cells(drawing), mark=mark)


WIN = "....... ....... ....... ....... 222.... 111.2.."
THREAT = "....... ....... ....... ....... 11..... 222.1.."
POISON = "....... ....... ....... ....... .222... .121..."  # 0 and 4 open the row above to 2
GOOD = [agents.tactical_agent, agents.negamax_agent, agents.alphabeta_agent, starter.agent]


@pytest.mark.parametrize("play", GOOD)
def test_good_bots_win_and_block(play: Any) -> None:
    for _ in range(5):
        assert play(observe(WIN), SEVEN_BY_SIX) == 3
        assert play(observe(THREAT), SEVEN_BY_SIX) == 3


@pytest.mark.parametrize("play", GOOD)
def test_good_bots_hand_no_win_over(play: Any) -> None:
    for _ in range(5):
        assert play(observe(POISON), SEVEN_BY_SIX) not in {0, 4}


def test_alphabeta_makes_two_threats_at_once() -> None:
    open_ends = ("....... " * 5) + "..11..."
    for _ in range(5):
        assert agents.alphabeta_agent(observe(open_ends), SEVEN_BY_SIX) in {1, 4}


@pytest.mark.parametrize("play", [agents.negamax_agent, agents.alphabeta_agent])
@pytest.mark.parametrize(("rows", "columns"), [(6, 7), (12, 20), (2, 60), (1, 9), (3, 1)])
def test_searches_are_quick_on_every_board(play: Any, rows: int, columns: int) -> None:
    config = Struct(rows=rows, columns=columns, inarow=4)
    start = process_time()
    assert play(Struct(board=[0] * rows * columns, mark=1), config) in range(columns)
    assert process_time() - start < 0.5


def score(first: Any, second: Any, games: int) -> float:
    """Points of the first, half of the games in each seat."""
    random.seed(5)
    rewards = [make("connectx").run([first, second])[-1][0].reward for _ in range(games // 2)]
    rewards += [make("connectx").run([second, first])[-1][1].reward for _ in range(games // 2)]
    return sum(reward / 2 + 0.5 for reward in rewards) / len(rewards)


@pytest.mark.parametrize(
    ("better", "worse", "points"),
    [
        ("tactical", "random", 0.9),
        ("negamax", "random", 0.8),
        (starter.agent, "random", 0.9),
        pytest.param("alphabeta", "tactical", 0.8, marks=pytest.mark.slow),
        pytest.param("alphabeta", "negamax", 0.8, marks=pytest.mark.slow),
    ],
)
def test_the_order_of_the_bots(better: Any, worse: Any, points: float) -> None:
    assert score(better, worse, games=10) >= points


GOLDEN = (
    [6, 5, 6, 5, 4, 4, 6, 6, 5, 6, 3, 6, 3, 4, 5, 3, 2, 1, 5, 5, 2, 4, 4, 3, 3, 3, 4, 2, 1, 1],
    0.28384288314931716,
)


def test_a_seeded_negamax_decides_as_in_kaggle_environments() -> None:
    """Moves and the state of the generator afterwards, as recorded there (version 1.33.2)."""
    random.seed(2026)
    env = make("connectx")
    env.run(["negamax", "negamax"])
    moves = [env.steps[n][(n - 1) % 2].action for n in range(1, len(env.steps))]
    assert (moves, random.random()) == GOLDEN


def test_a_summary_of_every_end() -> None:
    configuration = {"rows": 6, "columns": 7, "inarow": 4}
    env = make("connectx")
    env.run([lambda: 2, lambda: 3])
    assert summary(env.steps, configuration)["cells"] == [16, 23, 30, 37]
    env = make("connectx", {"episodeSteps": 3})
    env.run([lambda: 2, lambda: 3])
    assert env.summary()["cause"] == "Stopped after 2 moves: a draw"
    env = make("connectx", {"rows": 1, "columns": 2, "inarow": 2})
    env.run([lambda: 0, lambda: 1])
    assert env.summary() == {
        "cause": "Board full: a draw",
        "winner": None,
        "decisive_step": None,
        "cells": [],
    }
