"""Matches of the network against yardsticks and its own past, on the Elo scale.

Shapes: G games, P past selves, N = P + 3 players: random, negamax, the newcomer, the past selves.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from evaluation.ladder.counts import PairCounts
from evaluation.ladder.fit import fit
from training import envs, negamax, search
from training.envs import JaxEnv
from training.networks import Network, Params
from training.search import Search

Player = Callable[[Any, Array], Array]  # positions [G] and a key to actions [G]
Counts = NDArray[np.int64]

RANDOM, NEGAMAX, NEWCOMER, SELVES = range(4)
ANCHOR = 1000.0  # of negamax, as a ladder of the league has its middling house bot
CONFIDENCE = 1.96
LEAVES = 20_000  # of negamax, at most
OPENING_MOVES = 2


@dataclass(frozen=True)
class Arena:
    """games: against each opponent, in pairs from one opening with the seats swapped.

    past: earlier selves that are kept as opponents. depth: of negamax.
    """

    games: int = field(default=32, metadata={"minimum": 2, "maximum": 200})
    past: int = field(default=4, metadata={"minimum": 1, "maximum": 100})
    simulations: int = field(default=32, metadata={"minimum": 1, "maximum": 10_000})
    depth: int = field(default=4, metadata={"minimum": 1, "maximum": 8})

    def __post_init__(self) -> None:
        if self.games % 2:
            raise ValueError("games are played in pairs: give an even number")


@flax.struct.dataclass
class Record:
    """selves: parameters [P, ...]. results: int32[N, N, 3], wins, draws and losses of the first
    player in the first seat. entered: selves so far; the oldest makes room."""

    selves: Params
    results: Array
    entered: Array


def empty(arena: Arena, params: Params) -> Record:
    size = arena.past + SELVES
    selves = jax.tree.map(lambda x: jnp.zeros((arena.past, *x.shape), x.dtype), params)
    return Record(selves, jnp.zeros((size, size, 3), jnp.int32), jnp.zeros((), jnp.int32))


def enter(
    env: JaxEnv,
    network: Network,
    settings: Search,
    arena: Arena,
    params: Params,
    record: Record,
    key: Array,
) -> tuple[Record, dict[str, float]]:
    """Plays these parameters against all others and keeps them. Consumes the key.

    Metrics: elo with its 95 % interval, negamax at 1000; score against each kind, from 0 to 1.
    """
    past = range(SELVES, SELVES + min(int(record.entered), arena.past))
    settings = dataclasses.replace(settings, simulations=arena.simulations)
    player = partial(_plan, env, network, settings, params)
    opponents = {RANDOM: partial(_draw, env), NEGAMAX: partial(_negamax, env, arena.depth)}
    for number in past:
        self = jax.tree.map(lambda x, place=number - SELVES: x[place], record.selves)
        opponents[number] = partial(_plan, env, network, settings, self)
    results = np.array(record.results)
    for number, opponent in opponents.items():
        match_key = jax.random.fold_in(key, number)
        first, second = contest(env, player, opponent, arena.games // 2, match_key)
        results[NEWCOMER, number] = first
        results[number, NEWCOMER] = second[::-1]
    return _admitted(record, results, params, arena.past), _metrics(results, past)


def _admitted(record: Record, results: Counts, params: Params, past: int) -> Record:
    """The newcomer in the place of the oldest self, with the results of its matches."""
    place = SELVES + int(record.entered) % past
    results = results.copy()
    results[place], results[:, place] = results[NEWCOMER], results[:, NEWCOMER]
    results[NEWCOMER] = results[:, NEWCOMER] = results[place, place] = 0
    selves = jax.tree.map(lambda x, y: x.at[place - SELVES].set(y), record.selves, params)
    return Record(selves, jnp.asarray(results), record.entered + 1)


def contest(
    env: JaxEnv, player: Player, opponent: Player, pairs: int, key: Array
) -> tuple[Counts, Counts]:
    """Wins, draws and losses of the player in the first seat, and in the second.

    The games of a pair begin with the same random moves. Consumes the key.
    """
    games = [_opened(env, pairs, jax.random.fold_in(key, 0))] * 2
    for move in range(OPENING_MOVES, OPENING_MOVES + env.max_moves):
        mine = move % 2  # the half of the games in which the player is to move
        keys = jax.random.split(jax.random.fold_in(key, move))
        games[mine], mine_over = _step(env, games[mine], player(games[mine], keys[0]))
        theirs = 1 - mine
        games[theirs], theirs_over = _step(env, games[theirs], opponent(games[theirs], keys[1]))
        if mine_over and theirs_over:
            break
    return _count(env, games[0], 0), _count(env, games[1], 1)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _plan(
    env: JaxEnv, network: Network, settings: Search, params: Params, states: Any, key: Array
) -> Array:
    return search.plan(env, network, settings, params, states, key, noise=0.0).action


_negamax = jax.jit(negamax.choose, static_argnums=(0, 1))


_draw = jax.jit(search.draw, static_argnums=0)


@partial(jax.jit, static_argnums=0)
def _step(env: JaxEnv, states: Any, actions: Array) -> tuple[Any, Array]:
    states = jax.vmap(env.step)(states, actions)
    return states, jnp.all(jax.vmap(env.ended)(states))


@partial(jax.jit, static_argnums=(0, 1))
def _opened(env: JaxEnv, games: int, key: Array) -> Any:
    """Positions after some random moves; a game that would end by them begins without."""
    first = envs.repeat(env.init(), games)
    states = first
    for move_key in jax.random.split(key, OPENING_MOVES):
        states = jax.vmap(env.step)(states, _draw(env, states, move_key))
    return envs.select(jax.vmap(env.ended)(states), first, states)


def _count(env: JaxEnv, states: Any, seat: int) -> Counts:
    """Wins, draws and losses of the player in this seat."""
    sign = np.where((states.moves - 1) % 2 == seat, 1, -1)
    outcomes = sign * np.asarray(jax.vmap(env.reward)(states))
    return np.array([np.sum(outcomes == outcome) for outcome in (1, 0, -1)])


def _metrics(results: Counts, past: Sequence[int]) -> dict[str, float]:
    played = np.argwhere(results.sum(axis=-1) > 0).tolist()
    rows = [(i, j, *results[i, j].astype(float)) for i, j in played]
    counts = PairCounts.from_counts(rows)
    elo, error = fit(counts, counts.entrants, anchor=NEGAMAX, anchor_elo=ANCHOR).difference(
        NEWCOMER, NEGAMAX
    )
    metrics = {
        "arena/elo": ANCHOR + elo,
        "arena/elo_low": ANCHOR + elo - CONFIDENCE * error,
        "arena/elo_high": ANCHOR + elo + CONFIDENCE * error,
        "arena/random": _score(results, [RANDOM]),
        "arena/negamax": _score(results, [NEGAMAX]),
    }
    return metrics | ({"arena/past": _score(results, past)} if past else {})


def _score(results: Counts, opponents: Sequence[int]) -> float:
    """The newcomer's share of the points, a draw counted half."""
    first = results[NEWCOMER, list(opponents)].sum(axis=0)
    second = results[list(opponents), NEWCOMER].sum(axis=0)
    wins, draws, losses = first + second[::-1]
    return float((wins + draws / 2) / (wins + draws + losses))
