"""The task of a board game: Gumbel AlphaZero plays itself and learns from its own search.

Shapes: G games at once, T moves of each an update.
"""

import dataclasses
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jax import Array

from training import arena, envs, learning, networks, replay_buffer, search, shards
from training.arena import Arena, Record
from training.envs import JaxEnv
from training.fields import Options
from training.learning import Learning
from training.networks import Network, Params
from training.replay_buffer import Buffer, Moves
from training.search import Search

KNOBS = (
    "selfplay.games",
    "selfplay.buffer",
    "selfplay.search.simulations",
    "selfplay.network.width",
    "selfplay.learning.batch",
)
OBJECTIVE = "arena/elo"


@dataclass(frozen=True)
class Opening:
    """In the first `moves` of a game, a share `chance` is drawn at random, so that games differ."""

    moves: int = field(default=42, metadata={"minimum": 0, "maximum": 10_000})
    chance: float = field(default=0.5, metadata={"minimum": 0.0, "maximum": 1.0})


@dataclass(frozen=True)
class Config:
    """games: played at once. buffer: moves of each that are kept to learn from.

    shards: equal parts of the games, each played on a device of its own where there are as many.
    """

    environment: str = "connectx"
    configuration: Options = ()
    network: Network = field(default_factory=Network)
    search: Search = field(default_factory=Search)
    games: int = field(default=256, metadata={"minimum": 1, "maximum": 1 << 20})
    shards: int = field(default=2, metadata={"minimum": 1, "maximum": 1024})
    moves_per_update: int = field(default=16, metadata={"minimum": 1, "maximum": 10_000})
    buffer: int = field(default=1024, metadata={"minimum": 1, "maximum": 1 << 20})
    opening: Opening = field(default_factory=Opening)
    learning: Learning = field(default_factory=Learning)
    arena: Arena = field(default_factory=Arena)

    def __post_init__(self) -> None:
        env = environment(self)
        if self.games % self.shards:
            raise ValueError("shards must divide games, which are played in such parts")
        if self.buffer % self.moves_per_update:
            raise ValueError("moves_per_update must divide buffer, which is written in such pieces")
        if env.num_actions**self.arena.depth > arena.LEAVES:
            raise ValueError(f"arena.depth is too large for {env.num_actions} actions a move")


@flax.struct.dataclass
class State:
    """games: positions [G]. step: moves made so far. key: typed."""

    params: Params
    opt_state: Any
    games: Any
    buffer: Buffer
    arena: Record
    key: Array
    step: Array
    config: Config = flax.struct.field(pytree_node=False)


def environment(config: Config) -> JaxEnv:
    return envs.load(config.environment, dict(config.configuration))


def parts(config: Config) -> int:
    return config.shards


def init(key: Array, config: Config) -> State:
    """An untrained network before its first move. Consumes the key."""
    env = environment(config)
    param_key, key = jax.random.split(key)
    params = networks.init(param_key, config.network, env.features(env.init()), env.num_actions)
    games = envs.repeat(env.init(), config.games)
    _, moves = jax.eval_shape(partial(play, env, config), params, games, key)
    return State(
        params=params,
        opt_state=_rule(config).init(params),
        games=games,
        buffer=replay_buffer.empty(moves, config.buffer),
        arena=arena.empty(config.arena, params),
        key=key,
        step=jnp.zeros((), jnp.uint32),
        config=config,
    )


def update(state: State) -> tuple[State, dict[str, Array]]:
    """T moves in each game, then some batches of learning."""
    config, env = state.config, environment(state.config)
    play_key, learn_key, key = jax.random.split(state.key, 3)
    games, moves = play(env, config, state.params, state.games, play_key)
    buffer = replay_buffer.write(state.buffer, moves)
    params, opt_state, metrics = learning.learn(
        env,
        config.network,
        config.learning,
        _rule(config),
        state.params,
        state.opt_state,
        buffer,
        learn_key,
    )
    after = dataclasses.replace(
        state,
        params=params,
        opt_state=opt_state,
        games=games,
        buffer=buffer,
        key=key,
        step=state.step + moves.ended.size,
    )
    return after, metrics | _game_metrics(buffer)


def evaluate(state: State) -> tuple[State, dict[str, float]]:
    """The network against the yardsticks and its past; it becomes part of that past."""
    config = state.config
    arena_key, key = jax.random.split(state.key)
    record, metrics = arena.enter(
        environment(config),
        config.network,
        config.search,
        config.arena,
        state.params,
        state.arena,
        arena_key,
    )
    return dataclasses.replace(state, arena=record, key=key), metrics


def play(env: JaxEnv, config: Config, params: Params, games: Any, key: Array) -> tuple[Any, Moves]:
    """T moves of each game; one that ends begins anew. Consumes the key."""

    def joined_rows(parts: Array) -> Array:
        rows: Array = jax.vmap(shards.joined)(jnp.swapaxes(parts, 0, 1))
        return rows

    parts = shards.divided(games, config.shards), jax.random.split(key, config.shards)
    games, moves = shards.spread(partial(_play_part, env, config), config.shards, params, parts)
    return shards.joined(games), jax.tree.map(joined_rows, moves)


def _play_part(
    env: JaxEnv, config: Config, params: Params, part: tuple[Any, Array]
) -> tuple[Any, Moves]:
    def move(games: Any, key: Array) -> tuple[Any, Moves]:
        search_key, stray_key, draw_key = jax.random.split(key, 3)
        plan = search.plan(env, config.network, config.search, params, games, search_key)
        strayed = _strays(config.opening, games, stray_key)
        action = jnp.where(strayed, search.draw(env, games, draw_key), plan.action)
        after = jax.vmap(env.step)(games, action)
        ended, reward = jax.vmap(env.ended)(after), jax.vmap(env.reward)(after)
        moves = Moves(games, plan.policy, plan.value, reward, ended, strayed)
        return envs.select(ended, env.init(), after), moves

    games, key = part
    return jax.lax.scan(move, games, jax.random.split(key, config.moves_per_update))


def _strays(opening: Opening, games: Any, key: Array) -> Array:
    early: Array = games.moves < opening.moves
    return early & jax.random.bernoulli(key, opening.chance, early.shape)


def _game_metrics(buffer: Buffer) -> dict[str, Array]:
    """Of the games that are remembered, which change little from one update to the next."""
    moves = buffer.moves
    ended = jnp.maximum(jnp.sum(moves.ended), 1)
    return {
        "games/length": buffer.filled * moves.ended.shape[1] / ended,
        "games/drawn": jnp.sum(moves.ended & (moves.reward == 0)) / ended,
    }


def _rule(config: Config) -> optax.GradientTransformation:
    return learning.optimizer(config.learning, config.games * config.moves_per_update)
