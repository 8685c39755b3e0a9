"""An exported agent on the engine's boards and clocks, whatever form they have."""

import gc
import time
from types import SimpleNamespace

import pytest

from benchmarks.training import judge
from evaluation.envs.connectx import rules as connectx
from evaluation.envs.tictactoe import rules as tictactoe
from tests.training.agents import (
    CONNECTX,
    MLP,
    SIZES,
    env_of,
    flat,
    mark_of,
    params_of,
    random_boards,
)
from training.agent_template.boards.clock import Clock, clock_of_move
from training.agent_template.boards.planner import Limits
from training.agent_template.boards.player import Player, collector_paused
from training.networks import Network as Layout

QUICK = Limits(simulations=20, positions=100)


def player_of(layout):
    about = {"environment": "connectx", "configuration": CONNECTX[1]}
    return Player(flat(params_of(env_of(CONNECTX), layout)), about)


@pytest.fixture(scope="module")
def player():
    return player_of(MLP)


class Shown(dict):
    """As kaggle-environments shows things: entries are attributes as well."""

    __getattr__ = dict.__getitem__


FORMS = [dict, Shown, lambda entries: SimpleNamespace(**entries)]


@pytest.mark.parametrize("form", FORMS, ids=["dict", "struct", "attributes"])
def test_observations_may_have_any_form(player, form):
    cells = judge.board([3, 0, 3, 0, 3, 0])
    observation, configuration = form({"board": cells, "mark": 1}), form(CONNECTX[1])
    assert player.plan(observation, configuration, QUICK, fresh=True).action == 3


@pytest.mark.parametrize("game", SIZES, ids=str)
def test_boards_of_any_size_are_played_by_the_rules(player, game):
    agent = Player(player.tensors, {"environment": game[0], "configuration": player.trained})
    for cells in random_boards(game, 20):
        observation = {"board": cells, "mark": mark_of(cells)}
        plan = agent.plan(observation, game[1], Limits(simulations=30, positions=100), fresh=False)
        if game[0] == "tictactoe":
            assert tictactoe.is_legal(cells, plan.action)
        else:
            assert connectx.is_legal(cells, plan.action, game[1]["columns"])


ODD_SIZES = [(1, 1, 1), (1, 5, 3), (2, 2, 4), (12, 15, 6), (5, 6, 1)]


@pytest.mark.parametrize("size", ODD_SIZES, ids=str)
def test_odd_boards_are_played_to_their_end(player, size):
    rows, columns, inarow = size
    cells, mark, outcome = [0] * (rows * columns), 1, connectx.PLAYING
    configuration = dict(zip(("rows", "columns", "inarow"), size, strict=True))
    while outcome == connectx.PLAYING:
        observation = {"board": cells, "mark": mark}
        plan = player.plan(observation, configuration, QUICK, fresh=False)
        cells, outcome, _ = connectx.drop(cells, plan.action, mark, rows, columns, inarow)
        mark = 3 - mark
    assert outcome != connectx.ILLEGAL


@pytest.mark.parametrize("size", [(6, 7, 4), (7, 9, 5)], ids=["trained", "other"])
def test_wins_are_taken_and_stopped_on_boards_of_any_size(player, size):
    rows, columns, inarow = size
    configuration = dict(zip(("rows", "columns", "inarow"), size, strict=True))
    cells = [0] * (rows * columns)
    for row in range(rows - inarow + 1, rows):
        cells[row * columns + 2], cells[row * columns + 5] = 1, 2
    for mark, column in ((1, 2), (2, 5)):
        observation = {"board": cells, "mark": mark}
        assert player.plan(observation, configuration, QUICK, True).action == column
    cells[(rows - 1) * columns] = 1  # one stone more, so that it is the second player's turn
    cells[(rows - inarow + 1) * columns + 5] = 0
    assert player.plan({"board": cells, "mark": 2}, configuration, QUICK, True).action == 2


def test_what_was_found_for_a_move_helps_with_the_next(player):
    limits = Limits(simulations=200, positions=0)
    cells = [0] * 42
    first = player.plan({"board": cells, "mark": 1}, {}, limits, fresh=True)
    replied, _, _ = connectx.drop(cells, first.action, 1, 6, 7, 4)
    replied, _, _ = connectx.drop(replied, first.action, 2, 6, 7, 4)
    idle = Limits(simulations=0, positions=0)
    again = player.plan({"board": replied, "mark": 1}, {}, idle, fresh=False)
    assert sum(again.visits.values()) > 0
    unrelated = judge.board([0, 6])
    fresh = player.plan({"board": unrelated, "mark": 1}, {}, idle, fresh=False)
    assert player.plan({"board": unrelated, "mark": 1}, {}, idle, fresh=True).action == fresh.action
    back = player.plan({"board": cells, "mark": 1}, {}, limits, fresh=False)
    assert back.visits == first.visits


CLOCKS = [
    # actTimeout, bank, agent's own limit -> seconds at most
    (2, 60, 0.2, 0.2),
    (0.1, 0, 0.2, 0.08),
    (0, 21, 0.2, 0.2),
    (0, 2.1, 5.0, 0.08),
    (2, 0, 30, 1.6),
    (0, 0, 0.2, 0.0),
]


@pytest.mark.parametrize(("turn", "bank", "own", "limit"), CLOCKS)
def test_a_move_keeps_to_its_own_limit_and_to_the_clock(turn, bank, own, limit):
    observation = {"board": [0] * 42, "remainingOverageTime": bank}
    clock = clock_of_move(observation, {"actTimeout": turn}, own)
    assert limit - 0.01 < clock.left() <= limit


def test_what_loading_took_is_off_the_first_move():
    spent = clock_of_move({"board": [0] * 42}, {"actTimeout": 1}, 5.0, spent=0.3)
    assert 0.48 < spent.left() <= 0.5


@pytest.mark.parametrize("odd", [None, "soon", float("nan"), float("inf"), -1, []])
def test_clocks_that_are_no_numbers_do_no_harm(odd):
    clock = clock_of_move({"board": [], "remainingOverageTime": odd}, {"actTimeout": odd}, 0.2)
    assert clock.left() <= 0.2


@pytest.mark.parametrize("layout", [MLP, Layout("resnet", 32, 3)], ids=str)
def test_thinking_ends_in_time(layout):
    agent = player_of(layout)
    for played in ([], [3, 3, 3], [3, 3, 3, 3, 2, 2, 4, 4, 1, 2]):
        started = time.thread_time()
        observation = {"board": judge.board(played), "mark": 1 + len(played) % 2}
        agent.plan(observation, {}, Limits(clock=Clock(0.05)), fresh=False)
        assert time.thread_time() - started < 0.06


def test_the_garbage_collector_is_left_as_it_was(player):
    with collector_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
