"""The stored positions are what they say they are; moves and matches are judged as documented."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training import judge
from benchmarks.training.negamax import column_values, negamax

STORED = json.loads(Path(judge.__file__).with_name("connectx_positions.json").read_text())
SIZE = (judge.ROWS, judge.COLUMNS, judge.INAROW)
SETS = ("tuning", "held_out")


@pytest.fixture(scope="module", params=SETS)
def judged(request):
    return judge.positions(request.param)


def plies_left(score, played):
    """Until the end of a decided game, this move included: the winner's checker 22 - |score|."""
    own, others = played // 2, (played + 1) // 2
    return 2 * (22 - score - own) - 1 if score > 0 else 2 * (22 + score - others)


def within(score, played, depth):
    """The value that a search of this depth must find for a move with this perfect score."""
    if score == 0 or plies_left(score, played) > depth:
        return 0
    return np.sign(score) * (depth + 1 - plies_left(score, played))


def test_sets_share_no_position_even_mirrored():
    boards = [board for name in SETS for board in judge.positions(name).boards]
    mirrored = [board.reshape(6, 7)[:, ::-1].flatten() for board in boards]
    different = {
        min(board.tobytes(), mirror.tobytes())
        for board, mirror in zip(boards, mirrored, strict=True)
    }
    assert len(different) == len(boards) == 2000


def test_legal_moves_of_each_position_differ_in_value(judged):
    assert ((judged.boards[:, :7] != 0) == np.isnan(judged.scores)).all()
    values = np.sign(judged.scores)
    assert (np.nanmax(values, axis=1) > np.nanmin(values, axis=1)).all()


def test_scores_agree_with_search_as_far_as_it_sees(judged):
    _agree(judged.boards, judged.scores, 4)


def test_scores_of_late_positions_agree_with_search_to_the_end(judged):
    late = np.count_nonzero(judged.boards, axis=1) >= 28
    assert late.sum() >= 50
    _agree(judged.boards[late], judged.scores[late], 14)


def _agree(boards, scores, depth):
    for cells, perfect in zip(boards.tolist(), scores, strict=True):
        played = 42 - cells.count(0)
        found = column_values(cells, played % 2 + 1, *SIZE, depth)
        legal = [column for column in range(7) if not np.isnan(perfect[column])]
        assert found == {column: within(perfect[column], played, depth) for column in legal}


@pytest.mark.parametrize("name", SETS)
def test_yardsticks_are_the_expected_shares(name):
    judged = judge.positions(name)
    for depth, yardstick in ((0, "random"), (2, "negamax depth 2"), (4, "negamax depth 4")):
        shares = []
        for cells, scores in zip(judged.boards.tolist(), judged.scores, strict=True):
            chosen = scores[_draws_from(cells, depth)]
            best = np.nanmax(scores)
            shares.append(((np.sign(chosen) == np.sign(best)).mean(), (chosen == best).mean()))
        assert np.mean(shares, axis=0) == pytest.approx(
            STORED["yardsticks"][name][yardstick], abs=6e-4
        )


def _draws_from(cells, depth):
    if depth == 0:
        return [column for column in range(7) if cells[column] == 0]
    values = column_values(cells, (42 - cells.count(0)) % 2 + 1, *SIZE, depth)
    return [column for column, value in values.items() if value == max(values.values())]


def test_positions_beyond_a_search_are_those_in_which_it_may_err(judged):
    for plies in (2, 4):
        errs = [
            any(np.sign(scores[column]) < np.sign(np.nanmax(scores)) for column in drawn)
            for cells, scores in zip(judged.boards.tolist(), judged.scores, strict=True)
            for drawn in [_draws_from(cells, plies)]
        ]
        assert judge.is_beyond(judged, plies).tolist() == errs
    assert 100 < judge.is_beyond(judged, 6).sum() < len(errs) / 3


def test_a_move_that_keeps_the_value_but_wins_later_is_not_strictly_optimal():
    scores = np.array([[3, 1, 0, -1, np.nan, 1, 1]] * 4, float)
    positions = judge.Positions(np.zeros((4, 42), np.int8), scores)
    assert judge.optimal(lambda boards: [0, 1, 2, 4], positions) == (0.5, 0.25, 4)


def test_one_column_a_board_is_asked_for(judged):
    with pytest.raises(ValueError, match="columns are needed"):
        judge.optimal(lambda boards: [0], judged)


def test_an_agent_sees_the_board_its_mark_and_the_configuration(judged):
    seen = []

    def agent(observation, configuration):
        seen.append((observation.board, observation.mark, configuration.columns))
        return observation["board"][:7].index(0)

    columns = judge.moves_of(agent)(judged.boards[:20])
    assert [(board, 42 - board.count(0)) for board, _, _ in seen] == [
        (board, np.count_nonzero(board)) for board in judged.boards[:20].tolist()
    ]
    assert all(mark == np.count_nonzero(board) % 2 + 1 for board, mark, _ in seen)
    assert all(board[column] == 0 for (board, _, _), column in zip(seen, columns, strict=True))


def test_pairs_share_an_opening_and_swap_seats():
    openings = []

    def agent(observation, configuration):
        if sum(cell != 0 for cell in observation.board) in (2, 3):
            openings.append((observation.mark, tuple(observation.board)))
        return observation.board[:7].index(0)

    judge.versus(agent, negamax(1), 8, seed=5)
    marks = [mark for mark, _ in openings]
    assert marks == [1, 2] * 4
    for (_, first), (_, second) in zip(openings[::2], openings[1::2], strict=True):
        # The second to move also sees the reply that the other made to the same two plies.
        assert all(one in (0, two) for one, two in zip(first, second, strict=True))
    assert len({first for _, first in openings[::2]}) > 1


def test_matches_count_for_the_first_agent():
    result = judge.versus(negamax(4, seed=1), negamax(1, seed=2), 20, seed=1)
    assert result.wins >= 15
    assert sum(result[:3]) == 20
    assert result.points == result.wins + result.draws / 2
    swapped = judge.versus(negamax(1, seed=2), negamax(4, seed=1), 20, seed=1)
    assert swapped.losses >= 15


def test_faults_of_the_agent_are_losses_and_those_of_the_other_wins():
    def broken(observation, configuration):
        raise RuntimeError("broken")

    assert judge.versus(broken, "random", 4, seed=0) == (0, 0, 4, 4)
    assert judge.versus("random", broken, 4, seed=0) == (4, 0, 0, 0)


def position(*moves):
    board = judge.board(moves)
    return board, len(moves) % 2 + 1


def test_negamax_takes_the_soonest_win():
    values = column_values(*position(0, 6, 0, 6, 0, 6), *SIZE, depth=4)
    assert max(values, key=values.get) == 0
    assert values[0] == 4


def test_negamax_blocks_and_else_puts_the_defeat_off():
    assert column_values(*position(0, 6, 0, 6, 0), *SIZE, depth=2) == {
        0: 0,
        **dict.fromkeys(range(1, 7), -1),
    }


def test_negamax_draws_each_of_the_best_moves():
    agent, board = negamax(2, seed=3), [0] * 42
    observation = {"board": board, "mark": 1}
    configuration = {"rows": 6, "columns": 7, "inarow": 4}
    assert {agent(observation, configuration) for _ in range(100)} == set(range(7))


def test_negamax_plays_boards_of_other_sizes():
    board = [0] * 20
    board[15] = board[16] = 1
    board[10] = board[11] = 2
    assert column_values(board, 1, 4, 5, 3, depth=2)[2] == 2
