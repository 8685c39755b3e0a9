"""Every game's form in JAX plays by its rules in Python, position by position."""

from collections.abc import Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evaluation
from evaluation.envs.connectx import rules as connectx
from evaluation.envs.connectx.jax_env import Bitboard, Planes
from evaluation.envs.tictactoe import rules as tictactoe
from training import envs

OTHERS = {"foraging"}  # not a board game: see test_parity_foraging.py
FORMS = Path(evaluation.__file__).parent.glob("envs/*/jax_env.py")
GAMES = sorted({path.parent.name for path in FORMS} - OTHERS)
OUTCOMES = ("playing", "won", "drawn", "illegal")
PLAYING, WON, DRAWN, ILLEGAL = range(4)
STRAY = 0.02  # of the actions are any numbers; among these are some that no board has
NOWHERE = [-(2**31), -9, -1, 64, 2**31 - 1]
NO_STRAY = 999

# By game: the first state of the rules; what they allow in a state; whether a mark wins in a cell.
FIRST = {
    "connectx": lambda env: connectx.State([0] * env.max_moves, **env.configuration),
    "tictactoe": lambda env: tictactoe.State([0] * env.max_moves),
}
LEGAL = {
    "connectx": lambda state: connectx.legal_columns(state.board, state.columns),
    "tictactoe": lambda state: tictactoe.legal_cells(state.board),
}
WINS = {
    "connectx": lambda env, board, cell: connectx.wins(board, cell, **env.configuration),
    "tictactoe": lambda env, board, cell: bool(tictactoe.winning_line(board, board[cell])),
}

# Name, configuration and how many games are played at once.
MANY = {name: (name, {}, 4096) for name in GAMES} | {
    "planes": ("connectx", {"rows": 9, "columns": 9, "inarow": 5}, 256)
}
# rows, columns, inarow: of one word and of two, full to the last bit and beyond; lines that are
# one long, and lines for which there is no place.
BOARDS = [(1, 1, 1), (2, 3, 4), (8, 8, 4), (5, 13, 3)]
MORE_BOARDS = [
    *BOARDS,
    (6, 7, 4),
    (4, 8, 3),
    (3, 11, 3),
    (1, 64, 2),
    (64, 1, 5),
    (3, 4, 1),
    (5, 4, 5),
    (9, 9, 5),
    (12, 10, 5),
    (1, 70, 3),
]

Seen = dict[str, np.ndarray]


def look(env: envs.JaxEnv, state: Any, action: Any) -> dict[str, jax.Array]:
    """What there is to compare after this action."""
    return {
        "action": jnp.int32(action),
        "board": env.board(state),
        "observation": env.observe(state).reshape(-1, 2),
        "features": env.features(state).reshape(env.max_moves, -1),
        "legal": env.legal_actions(state),
        "status": state.status,
        "moves": state.moves,
        "ended": env.ended(state),
        "reward": env.reward(state),
    }


def follow(env: envs.JaxEnv, choose: Any, inputs: Any) -> dict[str, jax.Array]:
    """[T + 1] of what is seen of one game from the first position on.

    choose(state, one of the inputs): the action. inputs: [T, ...]
    """

    def move(state: Any, given: Any) -> Any:
        action = choose(state, given)
        state = env.step(state, action)
        return state, look(env, state, action)

    first = look(env, env.init(), -1)
    _, after = jax.lax.scan(move, env.init(), inputs)
    return jax.tree.map(lambda one, rest: jnp.concatenate([one[None], rest]), first, after)


def nearly_legal(env: envs.JaxEnv, state: Any, chances: tuple[jax.Array, jax.Array]) -> jax.Array:
    """A legal action, unless the second of the chances is an action to play in any case."""
    share, stray = chances
    legal = jnp.cumsum(env.legal_actions(state))
    chosen = jnp.argmax(legal > (share * legal[-1]).astype(jnp.int32))
    return jnp.where(stray == NO_STRAY, chosen, stray)


@cache
def played(which: str) -> tuple[envs.JaxEnv, Seen]:
    """[games, T + 1] of what is seen of many random, nearly legal games in one vmap."""
    name, configuration, count = MANY[which]
    env, random = envs.load(name, configuration), np.random.default_rng(5)
    # One move more than the longest game: a finished state stays as it is.
    shape = count, env.max_moves + 1
    anything = random.choice([*NOWHERE, *range(env.num_actions + 1)], shape)
    strays = np.where(random.random(shape) < STRAY, anything, NO_STRAY).astype(np.int32)
    play = jax.jit(jax.vmap(partial(follow, env, partial(nearly_legal, env))))
    seen = play((random.random(shape, np.float32), strays))
    return env, {key: np.asarray(values) for key, values in seen.items()}


def replay(env: envs.JaxEnv, actions: list[int]) -> Iterator[tuple[list[int], ...]]:
    """Board, legal actions, and status with moves, T + 1 times: one game by the rules in Python."""
    rules = import_module(f"evaluation.envs.{env.name}.rules")
    state, status, moves = FIRST[env.name](env), PLAYING, 0
    legal = LEGAL[env.name](state)
    yield state.board, legal, [status, moves]
    for action in actions:
        if status == PLAYING:
            state, moves = rules.step(state, [action, action]), moves + 1
            status = OUTCOMES.index(state.outcome)
            legal = [] if status else LEGAL[env.name](state)
        yield state.board, legal, [status, moves]


def replayed(env: envs.JaxEnv, actions: np.ndarray) -> Seen:
    """What is to be seen of the same games. actions: [games, T]"""
    rows = [row for game in actions.tolist() for row in replay(env, game)]
    boards, legal, numbers = zip(*rows, strict=True)
    allowed = [bytes(action in each for action in range(env.num_actions)) for each in legal]
    board, legal, numbers = (
        np.frombuffer(b"".join(map(bytes, column)), np.uint8).reshape(len(actions), -1, width)
        for column, width in ((boards, env.max_moves), (allowed, env.num_actions), (numbers, 2))
    )
    status, moves = np.moveaxis(numbers, -1, 0)
    mark = 1 + moves[..., None] % 2
    return {
        "board": board,
        "legal": legal,
        "status": status,
        "moves": moves,
        "ended": status != PLAYING,
        "reward": status == WON,
        "observation": np.stack([board == mark, board == 3 - mark], axis=-1),
    }


def assert_same(env: envs.JaxEnv, seen: Seen) -> None:
    """seen: [games, T + 1]"""
    for key, expected in replayed(env, seen["action"][:, 1:]).items():
        np.testing.assert_array_equal(seen[key], expected, err_msg=key)


@pytest.mark.parametrize("which", MANY)
def test_many_nearly_legal_games_are_the_same_games(which):
    env, seen = played(which)
    assert_same(env, seen)
    assert set(np.unique(seen["status"])) >= {PLAYING, WON, ILLEGAL}


def said(status: int, moves: int) -> list[tuple[str, int | None]]:
    """What the engine says of either seat: its status and its reward."""
    if status == PLAYING:
        seats = [("ACTIVE", 0), ("INACTIVE", 0)]
        return seats if moves % 2 == 0 else seats[::-1]
    last, other = {
        WON: (("DONE", 1), ("DONE", -1)),
        DRAWN: (("DONE", 0), ("DONE", 0)),
        ILLEGAL: (("INVALID", None), ("DONE", 0)),
    }[status]
    return [last, other] if moves % 2 else [other, last]


@pytest.mark.parametrize("which", MANY)
def test_the_engine_says_the_same_of_either_seat(which):
    name, configuration, _ = MANY[which]
    _, seen = played(which)
    for game in range(40):
        action, board, status, moves = (
            seen[key][game].tolist() for key in ("action", "board", "status", "moves")
        )
        engine = evaluation.make(name, configuration)
        for step in range(1, moves[-1] + 1):
            mover = (step - 1) % 2
            engine.step([action[step] if seat == mover else None for seat in (0, 1)])
            assert engine.state[0].observation.board == board[step]
            seats = [(seat.status, seat.reward) for seat in engine.state]
            assert seats == said(status[step], moves[step])


def positions(which: str, count: int) -> tuple[envs.JaxEnv, Seen]:
    """[count] of what is seen of positions in progress."""
    env, seen = played(which)
    places = np.argwhere(seen["status"] == PLAYING)
    games, steps = np.random.default_rng(3).choice(places, count).T
    return env, {key: values[games, steps] for key, values in seen.items()}


@pytest.mark.parametrize("which", MANY)
def test_threats_are_the_empty_cells_that_complete_a_line(which):
    env, seen = positions(which, 200)
    for position in range(200):
        assert_features(env, {key: values[position] for key, values in seen.items()})
    assert seen["features"][..., 2:].any()


def assert_features(env: envs.JaxEnv, seen: Seen) -> None:
    """seen: of one position in progress"""
    board, mark = seen["board"].tolist(), 1 + int(seen["moves"]) % 2
    for plane, stone in enumerate((mark, 3 - mark)):
        assert seen["features"][:, plane].tolist() == [held == stone for held in board]
        wins = [completes(env, board, cell, stone) for cell in range(env.max_moves)]
        assert seen["features"][:, 2 + plane].tolist() == wins


def completes(env: envs.JaxEnv, board: list[int], cell: int, mark: int) -> bool:
    after = [*board[:cell], mark, *board[cell + 1 :]]
    return board[cell] == 0 and WINS[env.name](env, after, cell)


@pytest.mark.parametrize("which", MANY)
def test_a_turned_position_has_the_turned_features(which):
    env, seen = positions(which, 256)
    cells, actions = env.symmetries
    assert (cells[0] == np.arange(env.max_moves)).all()
    assert len({tuple(cell) for cell in cells}) == len(cells) == len(actions)
    turn = jax.jit(jax.vmap(jax.vmap(lambda board: look(env, env.from_board(board), -1))))
    turned = turn(seen["board"][:, cells])
    for key, permutations in {"features": cells, "legal": actions, "board": cells}.items():
        np.testing.assert_array_equal(turned[key], seen[key][:, permutations], err_msg=key)
    for key in ("status", "moves"):
        np.testing.assert_array_equal(turned[key][:, 0], seen[key], err_msg=key)


@cache
def following(env: envs.JaxEnv) -> Any:
    """The function of actions [games, T] to what is seen."""
    return jax.jit(jax.vmap(partial(follow, env, lambda state, action: action)))


def test_bits_and_planes_are_the_same_board():
    env, seen = played("connectx")
    assert isinstance(env, Bitboard)
    other = following(Planes(env.rows, env.columns, env.inarow))(seen["action"][:512, 1:])
    for key, values in other.items():
        np.testing.assert_array_equal(values, seen[key][:512], err_msg=key)


def check_one_game(board: tuple[int, int, int], actions: list[int]) -> None:
    env = envs.load("connectx", dict(zip(("rows", "columns", "inarow"), board, strict=True)))
    # Always as many, lest it is compiled anew: zeros go on where the list ends.
    whole = np.zeros((1, env.max_moves + 1), np.int32)
    whole[0, : len(actions)] = actions
    seen = {key: np.asarray(values) for key, values in following(env)(whole).items()}
    assert_same(env, seen)
    reached = min(len(actions), np.argmax(seen["status"][0] != PLAYING) - 1)
    assert_features(env, {key: values[0, reached] for key, values in seen.items()})


def games(boards: list[tuple[int, int, int]]) -> st.SearchStrategy[Any]:
    def of(board: tuple[int, int, int]) -> st.SearchStrategy[Any]:
        columns = st.integers(0, board[1] - 1)
        actions = columns | columns | columns | st.sampled_from([*NOWHERE, board[1]])
        return st.tuples(st.just(board), st.lists(actions, max_size=board[0] * board[1]))

    return st.sampled_from(boards).flatmap(of)


@settings(max_examples=40, deadline=None)
@given(games(BOARDS))
def test_any_game_on_a_few_boards_is_the_same_game(game):
    check_one_game(*game)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(games(MORE_BOARDS))
def test_any_game_on_any_board_is_the_same_game(game):
    check_one_game(*game)
