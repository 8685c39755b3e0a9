"""The search of an exported agent: what it proves is true, its limits are kept."""

import functools
import time

import numpy as np
import pytest

from benchmarks.training import judge
from benchmarks.training.tictactoe import lost_lines
from evaluation.envs.connectx import rules as connectx
from evaluation.envs.tictactoe import rules as tictactoe
from tests.training.agents import (
    CONNECTX,
    MLP,
    TICTACTOE,
    board_of,
    env_of,
    flat,
    mark_of,
    params_of,
    random_boards,
    sets_of,
)
from training.agent_template.boards import tree
from training.agent_template.boards.clock import Clock
from training.agent_template.boards.endgame import Endgame, OutOfTime
from training.agent_template.boards.heuristic import Heuristic
from training.agent_template.boards.network import Network
from training.agent_template.boards.planner import Limits, Planner


def worth(cells, game):
    """By looking at all games: 1 won, 0 drawn, -1 lost, for the side to move."""
    rows, columns, inarow = game[1].values()

    @functools.cache
    def value(cells, mark):
        best = -2
        for action in range(len(cells) if game[0] == "tictactoe" else columns):
            after, won = moved(list(cells), action, mark)
            if after is None:
                continue
            ended = won or 0 not in after
            best = max(best, int(won) if ended else -value(tuple(after), 3 - mark))
        return best

    def moved(cells, action, mark):
        if game[0] == "tictactoe":
            if cells[action]:
                return None, False
            cells[action] = mark
            return cells, bool(tictactoe.winning_line(cells, mark))
        after, outcome, cell = connectx.drop(cells, action, mark, rows, columns, inarow)
        return (None if cell is None else after), outcome == connectx.WON

    return value(tuple(cells), mark_of(cells))


SMALL = [
    TICTACTOE,
    ("connectx", {"rows": 4, "columns": 4, "inarow": 3}),
    ("connectx", {"rows": 3, "columns": 4, "inarow": 3}),
]


@pytest.mark.parametrize("game", SMALL, ids=str)
def test_alpha_beta_finds_the_worth_of_every_position(game):
    board = board_of(game)
    for cells in random_boards(game, 40, seed=3):
        sets = sets_of(board, cells)
        if sets[2] & board.playable(sets[0] | sets[1]):
            continue  # won at sight, which is not its business
        endgame = Endgame(board)
        assert endgame.solve(sets) == worth(cells, game)


def test_alpha_beta_stops_at_its_limits_and_goes_on_later():
    board = board_of(CONNECTX)
    endgame = Endgame(board)
    sets = board.position(*board.sets(judge.board([]), 1))
    endgame.limit(100, Clock())
    with pytest.raises(OutOfTime):
        endgame.solve(sets)
    assert endgame.visited == 100
    started = time.thread_time()
    endgame.limit(1e9, Clock(0.02))
    with pytest.raises(OutOfTime):
        endgame.solve(sets)
    assert 0.015 < time.thread_time() - started < 0.03


@pytest.fixture(scope="module")
def late_positions():
    """Of 22 stones and more, with the perfect score of each move."""
    positions = judge.positions("tuning")
    late = [index for index, cells in enumerate(positions.boards) if np.count_nonzero(cells) >= 22]
    return [(list(map(int, positions.boards[i])), positions.scores[i]) for i in late[:60]]


def test_near_the_end_every_move_is_perfect(late_positions):
    board = board_of(CONNECTX)
    for cells, scores in late_positions:
        planner = Planner(board, Heuristic(board))
        mine, theirs = board.sets(cells, mark_of(cells))
        plan = planner.plan(mine, theirs, Limits(simulations=50, positions=200_000))
        assert np.sign(scores[plan.action]) == np.sign(np.nanmax(scores))


def test_the_tree_alone_proves_what_is_won_and_lost(late_positions):
    """What it says is proven is true; and it proves most of these without alpha-beta."""
    board = board_of(CONNECTX)
    proven = 0
    for cells, scores in late_positions:
        planner = Planner(board, Heuristic(board))
        mine, theirs = board.sets(cells, mark_of(cells))
        plan = planner.plan(mine, theirs, Limits(simulations=2000, positions=0))
        if plan.outcome is not None:
            proven += 1
            assert np.sign(plan.outcome) == np.sign(np.nanmax(scores))
            assert np.sign(scores[plan.action]) == np.sign(np.nanmax(scores))
    assert proven > len(late_positions) // 2


@pytest.mark.parametrize("game", [CONNECTX, TICTACTOE], ids=str)
def test_equal_limits_give_equal_plans(game):
    env, board = env_of(game), board_of(game)
    network = Network(board, flat(params_of(env, MLP)))
    (cells,) = random_boards(game, 1)
    sets = board.sets(cells, mark_of(cells))
    limits = Limits(simulations=100, positions=500)
    plans = [Planner(board, network).plan(*sets, limits) for _ in range(2)]
    assert plans[0] == plans[1]


def test_a_simulation_is_one_position_of_the_tree():
    board = board_of(CONNECTX)
    asked = []

    def uniform(positions):
        asked.extend(positions)
        return [[0.0] * 7 for _ in positions], [0.0 for _ in positions]

    plan = Planner(board, uniform).plan(0, 0, Limits(simulations=100, positions=0))
    assert plan.simulations == sum(plan.visits.values()) == 100
    assert len(asked) <= 101  # the position itself comes first
    assert len(set(asked)) == len(asked)


def test_without_simulations_the_networks_favourite_is_played():
    env, board = env_of(CONNECTX), board_of(CONNECTX)
    network = Network(board, flat(params_of(env, MLP)))
    plan = Planner(board, network).plan(0, 0, Limits(simulations=0, positions=0))
    logits, _ = network([(0, 0, 0, 0)])
    assert plan.action == np.argmax(logits[0])


@pytest.mark.parametrize("prover", [0, 10_000], ids=["tree", "tree and alpha-beta"])
def test_tictactoe_is_never_lost_whatever_the_network_says(prover):
    env, board = env_of(TICTACTOE), board_of(TICTACTOE)
    network = Network(board, flat(params_of(env, MLP)))

    def choose(boards):
        limits = Limits(simulations=400, positions=prover)
        for cells in boards.tolist():
            yield Planner(board, network).plan(*board.sets(cells, mark_of(cells)), limits).action

    assert lost_lines(lambda boards: list(choose(boards))) == []


def test_a_tree_that_grew_over_many_moves_stays_bounded(monkeypatch):
    monkeypatch.setattr(tree, "MAX_NODES", 300)
    board = board_of(CONNECTX)
    planner = Planner(board, Heuristic(board))
    cells, mark, outcome = [0] * 42, 1, connectx.PLAYING
    while outcome == connectx.PLAYING:
        plan = planner.plan(*board.sets(cells, mark), Limits(simulations=120, positions=0))
        held = sum(len(layer) for layer in planner.tree.layers)
        assert held == planner.tree.count <= 300 + tree.BATCH
        cells, outcome, _ = connectx.drop(cells, plan.action, mark, 6, 7, 4)
        mark = 3 - mark
    assert outcome != connectx.ILLEGAL
