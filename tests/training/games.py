"""Board games in plain Python, by the engine's own rules: what the JAX code is held against."""

import random
from collections.abc import Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from evaluation.envs.connectx import rules as connectx
from evaluation.envs.tictactoe import rules as tictactoe
from training import envs

Board = tuple[int, ...]
OUTCOMES = (connectx.PLAYING, connectx.WON, connectx.DRAWN, connectx.ILLEGAL)  # by status in JAX
PLAYING, WON, DRAWN, ILLEGAL = OUTCOMES


class Game(NamedTuple):
    """An environment by its name and configuration. Boards say by their stones who is to move."""

    name: str
    configuration: tuple[tuple[str, int], ...] = ()

    @property
    def env(self) -> envs.JaxEnv:
        return envs.load(self.name, dict(self.configuration))

    @property
    def start(self) -> Board:
        return (0,) * self.env.max_moves

    def legal(self, board: Board) -> list[int]:
        if self.name == "tictactoe":
            return tictactoe.legal_cells(board)
        return connectx.legal_columns(board, self.env.num_actions)

    def play(self, board: Board, action: int, mark: int | None = None) -> tuple[Board, str]:
        """The board after a move, by default of the side to move, and the outcome."""
        mark = mark or mover(board)
        if self.name == "tictactoe":
            after = tictactoe.step(tictactoe.State(list(board), mark=mark), [action])
            return tuple(after.board), after.outcome
        sizes = self.env.configuration
        cells, outcome, _ = connectx.drop(
            list(board), action, mark, sizes["rows"], sizes["columns"], sizes["inarow"]
        )
        return tuple(cells), outcome

    def wins(self, board: Board, mark: int | None = None) -> set[int]:
        """Moves that win at once."""
        return {action for action in self.legal(board) if self.play(board, action, mark)[1] == WON}

    def safe(self, board: Board) -> set[int]:
        """Moves after which the other side has no win at once."""
        afters = {action: self.play(board, action) for action in self.legal(board)}
        return {a for a, (after, end) in afters.items() if end != PLAYING or not self.wins(after)}

    def values(self, board: Board, depth: int = 99) -> dict[int, int]:
        """Of each legal move: 1 wins within so many moves, -1 loses, 0 neither."""
        return {action: _value(self, board, action, depth) for action in self.legal(board)}

    def states(self, boards: list[Board]) -> Any:
        """Of the environment, one for each board."""
        return _states(self, jnp.array(boards, jnp.int8))

    def random_boards(self, seed: int = 0, long: bool = False) -> Iterator[Board]:
        """All positions of random games, one game after the other, without end.

        long: nobody wins who need not.
        """
        rng = random.Random(seed)
        while True:
            board, outcome = self.start, PLAYING
            while outcome == PLAYING:
                yield board
                moves = sorted({*self.legal(board)} - self.wins(board)) if long else []
                board, outcome = self.play(board, rng.choice(moves or self.legal(board)))


def mover(board: Board) -> int:
    """The mark of the side to move."""
    return 1 + sum(mark != 0 for mark in board) % 2


@cache
def _value(game: Game, board: Board, action: int, depth: int) -> int:
    after, outcome = game.play(board, action)
    if outcome != PLAYING or depth == 1:
        return int(outcome == WON)
    return -max(game.values(after, depth - 1).values())


@partial(jax.jit, static_argnums=0)
def _states(game: Game, boards: jax.Array) -> Any:
    return jax.vmap(game.env.from_board)(boards)


TICTACTOE = Game("tictactoe")
CONNECTX = Game("connectx")
SMALL = Game("connectx", (("columns", 5), ("inarow", 3), ("rows", 4)))
