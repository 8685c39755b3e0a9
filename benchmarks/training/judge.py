"""Judges play of connectx: single moves by perfect scores, agents by matches. Knows no JAX."""

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evaluation import make
from evaluation.envs.connectx.rules import drop
from evaluation.seats import seat_agent
from evaluation.utils import Struct

ROWS, COLUMNS, INAROW = 6, 7, 4
OPENING_PLIES = 2
FAULTS = ("ERROR", "INVALID", "TIMEOUT")

Boards = np.ndarray[Any, np.dtype[np.int8]]
Scores = np.ndarray[Any, np.dtype[np.float64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Chosen = np.ndarray[Any, np.dtype[np.int64]]


class Positions(NamedTuple):
    """N positions. boards: [N, 42], the engine's. scores: [N, 7], NaN where a column is full.

    A score is 0 for a draw, above for a win, below for a loss; a sooner win scores more.
    """

    boards: Boards
    scores: Scores

    def where(self, flags: Flags) -> "Positions":
        return Positions(self.boards[flags], self.scores[flags])


class Judgement(NamedTuple):
    """Shares of n moves that keep the value (won, drawn or lost), and that score best."""

    value_optimal: float
    strictly_optimal: float
    n: int


class Matches(NamedTuple):
    """Games of the first of two agents; faults: how many of the losses were its own."""

    wins: int
    draws: int
    losses: int
    faults: int = 0

    @property
    def points(self) -> float:
        return self.wins + self.draws / 2

    def __str__(self) -> str:
        return f"{self.wins}-{self.draws}-{self.losses}"


def positions(name: str) -> Positions:
    """The stored set `tuning`, which constants may be chosen on, or `held_out`, which none may."""
    stored = json.loads(Path(__file__).with_name("connectx_positions.json").read_text())[name]
    boards = [board([int(column) for column in moves]) for moves, _ in stored]
    return Positions(
        np.array(boards, np.int8), np.array([scores for _, scores in stored], np.float64)
    )


def board(moves: Sequence[int]) -> list[int]:
    """The cells after these columns were played from the start."""
    cells = [0] * (ROWS * COLUMNS)
    for ply, column in enumerate(moves):
        cells, _, _ = drop(cells, column, ply % 2 + 1, ROWS, COLUMNS, INAROW)
    return cells


def optimal(choose: Callable[[Boards], Sequence[int] | Chosen], among: Positions) -> Judgement:
    """How the columns that `choose` gives for these boards compare with perfect play."""
    return judged(choose(among.boards), among)


def judged(columns: Sequence[int] | Chosen, among: Positions) -> Judgement:
    """The same of columns that are chosen already. A full column is neither.

    Raises ValueError unless there is one column for each board.
    """
    columns = np.asarray(columns, np.int64)
    if columns.shape != (len(among.boards),):
        raise ValueError(f"{len(among.boards)} columns are needed, not {columns.shape}.")
    best = np.nanmax(among.scores, axis=1)
    chosen = among.scores[np.arange(len(columns)), columns]
    keeps_value = float(np.mean(np.sign(chosen) == np.sign(best)))
    return Judgement(keeps_value, float(np.mean(chosen == best)), len(columns))


def is_beyond(among: Positions, plies: int) -> Flags:
    """Where a full search of so many plies cannot tell the moves that keep the value from others.

    plies: the move itself counts. A win is told by the winner's checker that completes it.
    """
    scores, played = among.scores, np.count_nonzero(among.boards, axis=1)[:, None]
    own, others = played // 2, (played + 1) // 2
    end = np.where(scores > 0, 2 * (22 - scores - own) - 1, 2 * (22 + scores - others))
    found = np.where((scores != 0) & (end <= plies), np.sign(scores) * (plies + 1 - end), 0)
    found[np.isnan(scores)] = -np.inf
    favoured = found == found.max(axis=1, keepdims=True)
    loses_value = np.sign(scores) != np.sign(np.nanmax(scores, axis=1, keepdims=True))
    return np.asarray((favoured & loses_value).any(axis=1))


def moves_of(agent: Any) -> Callable[[Boards], list[int]]:
    """`choose` for anything that the engine can seat, asked as if each position began a game.

    What the agent raises, choose raises.
    """
    env = make("connectx")
    player = seat_agent(agent, env.agents, env.name)
    if player is None:
        raise ValueError("An agent is needed.")
    configuration = env.visible_configuration()
    limit = configuration["actTimeout"]

    def asked(cells: list[int]) -> int:
        played = len(cells) - cells.count(0)
        observation = Struct(board=cells, mark=played % 2 + 1, step=played, remainingOverageTime=60)
        action, _ = player.act(observation, configuration, limit)
        if isinstance(action, BaseException):
            raise action
        return int(action)

    return lambda boards: [asked(cells) for cells in boards.tolist()]


def versus(agent: Any, other: Any, games: int, seed: int) -> Matches:
    """Games of `agent` against `other`, in the engine and on its clock.

    Both: anything the engine plays (a function, a built-in's name, a path). Each pair of games
    begins with the same two random plies, and each agent has the first seat in one of them; the
    remainder of an odd number has the agent in the first. seed: of the random plies.
    """
    rng = random.Random(seed)
    results: Counter[str] = Counter()
    for game in range(games):
        if game % 2 == 0:
            opening = [rng.randrange(COLUMNS) for _ in range(OPENING_PLIES)]
        results[_play(agent, other, opening, game % 2)] += 1
    faults = results["fault"]
    return Matches(results["won"], results["drawn"], results["lost"] + faults, faults)


def _play(agent: Any, other: Any, opening: Sequence[int], seat: int) -> str:
    env = make("connectx")
    env.reset()
    for ply, column in enumerate(opening):
        actions: list[int | None] = [None, None]
        actions[ply % 2] = column
        env.step(actions)
    env.run([agent, other] if seat == 0 else [other, agent])
    mine, theirs = env.state[seat], env.state[1 - seat]
    if mine["status"] in FAULTS:
        return "fault"
    if theirs["status"] in FAULTS or mine["reward"] > 0:
        return "won"
    return "lost" if mine["reward"] < 0 else "drawn"
