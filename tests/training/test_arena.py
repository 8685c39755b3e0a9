"""The arena counts its games as the engine's rules do, in both seats, and orders players right."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.games import PLAYING, SMALL, TICTACTOE, WON, Game
from training import arena, negamax, networks, search
from training.arena import NEGAMAX, NEWCOMER, RANDOM, SELVES, Arena
from training.networks import Network
from training.search import Search

pytestmark = pytest.mark.usefixtures("unoptimised")

PAIRS = 8
NETWORK = Network("mlp", 8, 1)
SETTINGS = Search(simulations=1, considered=16, value_weight=0.2)
ARENA = Arena(games=2 * PAIRS, past=2, simulations=16, depth=2)
ONE_MOVE = Game("connectx", (("columns", 2), ("inarow", 1), ("rows", 1)))
ONE_COLUMN = Game("connectx", (("columns", 1), ("inarow", 2), ("rows", 5)))


class Watched:
    """Remembers (boards, actions) of every move."""

    def __init__(self, game, player):
        self.player, self.seen = player, []
        self.boards = jax.jit(jax.vmap(game.env.board))

    def __call__(self, states, key):
        actions = self.player(states, key)
        self.seen.append((np.asarray(self.boards(states)).tolist(), np.asarray(actions).tolist()))
        return actions


def players(game):
    """From the weakest."""
    env = game.env
    draw = jax.jit(search.draw, static_argnums=0)
    leftmost = jax.jit(jax.vmap(lambda state: jnp.argmax(env.legal_actions(state))))
    look_ahead = jax.jit(negamax.choose, static_argnums=(0, 1))
    return [
        lambda states, key: leftmost(states),
        partial(draw, env),
        partial(look_ahead, env, 2),
    ]


def replayed(game, turns, seat):
    """Wins, draws and losses of the player in this seat, and the openings. turns: of the seats."""
    counts, openings = [0, 0, 0], []
    for place in range(PAIRS):
        openings.append(tuple(turns[0][0][place]))
        board, outcome = openings[-1], PLAYING
        for turn, (boards, actions) in enumerate(turns):
            assert tuple(boards[place]) == board
            board, outcome = game.play(board, actions[place])
            if outcome != PLAYING:
                counts[1 if outcome != WON else 0 if turn % 2 == seat else 2] += 1
                break
    return counts, openings


@pytest.mark.parametrize("game", [TICTACTOE, SMALL], ids=["3x3", "4x5"])
@pytest.mark.parametrize("who", [(0, 1), (2, 0)], ids=["leftmost-random", "negamax-leftmost"])
def test_games_are_counted_as_the_engine_would(game, who):
    player, opponent = (Watched(game, players(game)[number]) for number in who)
    first, second = arena.contest(game.env, player, opponent, PAIRS, jax.random.key(4))
    as_first = [(player, opponent)[turn % 2].seen[turn] for turn in range(len(player.seen))]
    as_second = [(opponent, player)[turn % 2].seen[turn] for turn in range(len(player.seen))]
    expected, openings = replayed(game, as_first, 0)
    assert first.tolist() == expected
    assert sum(expected) == PAIRS
    expected, same_openings = replayed(game, as_second, 1)
    assert second.tolist() == expected
    assert sum(expected) == PAIRS
    assert openings == same_openings, "the games of a pair begin alike"
    assert len(set(openings)) > PAIRS // 2
    if who == (2, 0):
        assert first[0] + second[0] > 1.5 * PAIRS, "who looks ahead wins"


def test_sure_win_of_the_first_seat_goes_to_whoever_sits_there():
    _, draw, look_ahead = players(ONE_MOVE)
    for pair in ((draw, look_ahead), (look_ahead, draw)):
        first, second = arena.contest(ONE_MOVE.env, *pair, PAIRS, jax.random.key(0))
        assert (first.tolist(), second.tolist()) == ([PAIRS, 0, 0], [0, 0, PAIRS])


def test_games_that_nobody_can_win_are_drawn():
    _, draw, look_ahead = players(ONE_COLUMN)
    first, second = arena.contest(ONE_COLUMN.env, draw, look_ahead, PAIRS, jax.random.key(0))
    assert (first.tolist(), second.tolist()) == ([0, PAIRS, 0], [0, PAIRS, 0])


def params_of(stubborn: float, mark: float):
    """Of no opinion but, where stubborn, that lower cells are better. mark: to know them by."""
    env = TICTACTOE.env
    init = partial(networks.init, network=NETWORK, num_actions=env.num_actions)
    shapes = jax.eval_shape(
        lambda key: init(key, features=jnp.zeros((*env.shape, 4), bool)), jax.random.key(0)
    )
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    params["policy"]["bias"] -= np.float32(stubborn) * np.arange(env.num_actions, dtype=np.float32)
    params["value_hidden"]["bias"] += np.float32(mark)
    return jax.tree.map(jnp.asarray, params)


def enter(record, params, seed):
    return arena.enter(
        TICTACTOE.env, NETWORK, SETTINGS, ARENA, params, record, jax.random.key(seed)
    )


@pytest.fixture(scope="module")
def history():
    """Records and metrics of five selves, stubborn and open-minded in turn, entered in an arena."""
    record = arena.empty(ARENA, params_of(0, 0))
    found = []
    for number in range(5):
        record, metrics = enter(record, params_of(100 * (number % 2 == 0), number), number)
        found.append((record, metrics))
    return found


def test_players_are_ordered_right(history):
    stubborn, open_minded = ([metrics for _, metrics in history[start::2]] for start in (0, 1))
    assert max(m["arena/elo"] for m in stubborn) < min(m["arena/elo"] for m in open_minded) - 100
    for _, metrics in history:
        assert metrics["arena/elo_low"] < metrics["arena/elo"] < metrics["arena/elo_high"]
    assert all(metrics["arena/random"] > 0.7 for metrics in open_minded)
    assert all(metrics["arena/negamax"] < 0.3 for metrics in stubborn)
    assert history[1][1]["arena/past"] > 0.7, "against the stubborn self before it"
    assert "arena/past" not in history[0][1]


def test_elo_is_above_a_thousand_for_who_beats_negamax_and_below_for_who_loses(history):
    for _, metrics in history:
        if abs(metrics["arena/negamax"] - 0.5) > 0.2:
            assert (metrics["arena/elo"] > 1000) == (metrics["arena/negamax"] > 0.5)


def test_newest_selves_are_kept_and_the_oldest_makes_room(history):
    for number, (record, _) in enumerate(history):
        marks = np.asarray(record.selves["value_hidden"]["bias"])[:, 0].tolist()
        newest_of_slot = [max(range(slot, number + 1, 2), default=0) for slot in range(2)]
        assert marks == newest_of_slot
        assert int(record.entered) == number + 1


def test_each_pair_has_met_once_in_each_seat(history):
    for number, (record, _) in enumerate(history):
        selves = range(SELVES, SELVES + min(number + 1, 2))
        met = {(one, other) for one in selves for other in (RANDOM, NEGAMAX, *selves)}
        met |= {(other, one) for one, other in met}
        games = np.asarray(record.results).sum(axis=-1)
        expected = np.zeros_like(games)
        for one, other in met:
            expected[one, other] = PAIRS * (one != other)
        assert games.tolist() == expected.tolist()
        assert not games[NEWCOMER].any()


def test_results_of_those_who_stay_do_not_change(history):
    for number in range(1, 5):
        before, after = (np.asarray(history[n][0].results) for n in (number - 1, number))
        stays = SELVES + (number - 1) % 2
        for other in (RANDOM, NEGAMAX):
            assert after[stays, other].tolist() == before[stays, other].tolist()
            assert after[other, stays].tolist() == before[other, stays].tolist()


def test_scores_are_those_of_the_books(history):
    for number, (record, metrics) in enumerate(history):
        results, mine = np.asarray(record.results), SELVES + number % 2
        kinds = {"arena/random": RANDOM, "arena/negamax": NEGAMAX}
        for name, other in kinds.items():
            points = results[mine, other] @ [1, 0.5, 0] + results[other, mine] @ [0, 0.5, 1]
            assert metrics[name] == pytest.approx(points / (2 * PAIRS))


def test_same_key_gives_the_same_games(history):
    before, params = history[2][0], params_of(0, 3)
    again, metrics = enter(before, params, 3)
    assert metrics == history[3][1]
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(history[3][0]), strict=True):
        np.testing.assert_array_equal(one, other)
