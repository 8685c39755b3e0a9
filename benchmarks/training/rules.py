"""Connectx in JAX beside pgx, in turn in one process: random games, begun anew as they end."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import accumulate
from typing import Any

from benchmarks.measure import Row, alternate
from benchmarks.training import cores
from benchmarks.training.course import environment

BATCHES = (1024, 4096)
STEPS, ROUNDS = 200, 11
# Ours plays the same games so many times, lest one pause of a busy machine decide.
OURS = 8
# Times as fast, at least and better: without and with the planes that a network sees.
WANTED = {False: (4, 6), True: (3, 4)}

Play = Callable[[Any], Any]


def rules() -> list[Row]:
    """In a process of its own, since JAX takes the cores that it finds when it starts."""
    command = [sys.executable, "-m", "benchmarks.training.rules"]
    here = environment() | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, env=here, capture_output=True, text=True, check=True)
    return [_row(*figures) for figures in json.loads(done.stdout)]


def _row(planes: bool, batch: int, ours: float, theirs: float | None) -> Row:
    """ours, theirs: million steps a second."""
    must, stretch = WANTED[planes]
    what = f"connectx in JAX, {batch:,} random games, {'with' if planes else 'without'} planes"
    wanted = f"{must} times pgx, better {stretch}"
    if theirs is None:
        return Row(what, f"{ours:.1f} M steps/s (pgx is not installed)", wanted)
    measured = f"{ours / theirs:.1f} times ({ours:.1f} and {theirs:.1f} M steps/s)"
    return Row(what, measured, wanted, ours >= must * theirs)


def measured() -> list[tuple[bool, int, float, float | None]]:
    return [(planes, batch, *_rates(planes, batch)) for planes in WANTED for batch in BATCHES]


def _rates(planes: bool, batch: int) -> tuple[float, float | None]:
    """Medians, ours and pgx's in turn, in million steps a second."""
    import jax

    shares = jax.random.uniform(jax.random.key(7), (STEPS, batch))
    ours = _compiled(_ours(planes), shares)
    theirs = _compiled(_theirs(planes), shares) if find_spec("pgx") else ours
    if ours() != theirs():
        raise RuntimeError("Connectx and pgx ended different numbers of games by the same chance.")
    mine, other = alternate(lambda: [ours() for _ in range(OURS)], theirs, ROUNDS)
    million = batch * STEPS / 1e6
    return million * OURS / mine, None if theirs is ours else million / other


def _compiled(play: Play, shares: Any) -> Callable[[], int]:
    """Plays all steps, and says how many games have ended."""
    import jax

    run = jax.jit(play).lower(shares).compile()
    return lambda: int(jax.block_until_ready(run(shares))[0])


def _choose(share: Any, legal: Any) -> Any:
    """The legal action at this share (0 to 1) of them, for both alike. legal: bool[B, A]"""
    counts = list(accumulate(legal.astype("int32").T))
    wanted = (share * counts[-1]).astype("int32")
    return sum((count <= wanted).astype("int32") for count in counts)


def _ours(planes: bool) -> Play:
    """Of what share of the legal actions is played, [T, B]: games that ended, the last planes."""
    import jax
    import jax.numpy as jnp

    from training import envs

    env = envs.load("connectx", {})
    step, legal, observe = map(jax.vmap, (env.step, env.legal_actions, env.observe))
    renew = jax.vmap(lambda state: _where(env.ended(state), env.init(), state))

    def move(carry: Any, share: Any) -> Any:
        state, ended, seen = carry
        after = step(state, _choose(share, legal(state)))
        ended += jnp.sum(jax.vmap(env.ended)(after))
        state = renew(after)
        return (state, ended, observe(state) if planes else seen), None

    def play(shares: Any) -> Any:
        games = shares.shape[1]
        first = jax.tree.map(lambda leaf: jnp.stack([leaf] * games), env.init())
        seen = observe(first) if planes else ()
        (_, ended, seen), _ = jax.lax.scan(move, (first, 0, seen), shares)
        return ended, seen

    return play


def _theirs(planes: bool) -> Play:
    """Without planes nobody asks for them, so that XLA may leave them out."""
    import jax
    import jax.numpy as jnp

    env = import_module("pgx").make("connect_four")
    step = jax.vmap(import_module("pgx.experimental").auto_reset(env.step, env.init))

    def play(shares: Any) -> Any:
        keys = jax.random.split(jax.random.key(0), shares.shape[1])

        def move(carry: Any, share: Any) -> Any:
            state, ended = carry
            state = step(state, _choose(share, state.legal_action_mask), keys)
            return (state, ended + jnp.sum(state.terminated)), None

        (state, ended), _ = jax.lax.scan(move, (jax.vmap(env.init)(keys), 0), shares)
        return ended, state.observation if planes else ()

    return play


def _where(condition: Any, then: Any, otherwise: Any) -> Any:
    import jax
    import jax.numpy as jnp

    return jax.tree.map(partial(jnp.where, condition), then, otherwise)


if __name__ == "__main__":
    cores.bind()
    print(json.dumps(measured()))
