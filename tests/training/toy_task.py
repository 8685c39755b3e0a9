"""A small task that really learns: which arm of a contextual bandit pays, from noisy rewards.

It has what a task can have: an optimizer, a ring buffer, typed keys, nested options, events, an
evaluation that changes the state. `python -m tests.training.toy_task run …` is the trainer with
this task. `pause` lengthens every update on the host; from the step `fail_at` on it fails in
`fail_in`. The environment's TOY_EVALUATION_SECONDS are the length of an evaluation.
"""

import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from training import task
from training.__main__ import main
from training.config import Options

KNOBS = ("toy.buffer", "toy.batch")
OBJECTIVE = "expected"
LUCK = 1.15


@dataclass(frozen=True)
class Learning:
    learning_rate: float = field(default=0.05, metadata={"minimum": 0.0})
    optimizer: str = field(default="adam", metadata={"choices": ("adam", "sgd")})


@dataclass(frozen=True)
class Config:
    batch: int = field(default=8, metadata={"minimum": 1})
    buffer: int = field(default=32, metadata={"minimum": 1})
    arms: int = field(default=4, metadata={"minimum": 2})
    learning: Learning = Learning()
    configuration: Options = ()
    pause: float = 0.0
    fail_at: int = 0
    fail_in: str = field(default="update", metadata={"choices": ("update", "evaluate")})

    def __post_init__(self) -> None:
        if self.buffer < self.batch:
            raise ValueError('"buffer" must hold a "batch"')


class Environment(NamedTuple):
    name: str
    version: str
    configuration: dict[str, int]


@flax.struct.dataclass
class State:
    params: Any
    opt_state: Any
    buffer: Any
    key: Array
    step: Array
    best: Array
    config: Config = flax.struct.field(pytree_node=False)


def environment(config: Config) -> Environment:
    return Environment("bandit", "1.0", dict(config.configuration))


def init(key: Array, config: Config) -> State:
    nothing = jnp.zeros((config.arms, config.arms))  # shared on purpose by three leaves
    params = {"scores": {"kernel": nothing, "bias": jnp.zeros(config.arms)}}
    return State(
        params=params,
        opt_state=_optimizer(config).init(params),
        buffer={
            "context": jnp.zeros(config.buffer, jnp.int32),
            "arm": jnp.zeros(config.buffer, jnp.int32),
            "reward": jnp.zeros(config.buffer),
        },
        key=key,
        step=jnp.zeros((), jnp.int32),
        best=nothing,
        config=config,
    )


def update(state: State) -> tuple[State, dict[str, Array]]:
    """A batch of pulls into the ring, and a step of gradient descent on all of it."""
    config = state.config
    _host(config, state)
    key, pull_key = jax.random.split(state.key)
    pulls = _pull(config, state.params, pull_key)
    place = (state.step + jnp.arange(config.batch)) % config.buffer
    buffer = {name: state.buffer[name].at[place].set(pulls[name]) for name in pulls}
    loss, slope = jax.value_and_grad(_loss)(state.params, buffer)
    updates, opt_state = _optimizer(config).update(slope, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    state = state.replace(
        params=params, opt_state=opt_state, buffer=buffer, key=key, step=state.step + config.batch
    )
    return state, {"loss": loss, "reward": jnp.mean(pulls["reward"])}


def evaluate(state: State) -> tuple[State, dict[str, Array]]:
    """Expected reward of a pull, within 0.1; the best scores so far are kept."""
    time.sleep(float(os.environ.get("TOY_EVALUATION_SECONDS", 0)))
    if state.config.fail_in == "evaluate":
        _fail(state.config, state.step)
    return _judge(state)


def events(state: State, since_step: int) -> list[dict[str, Any]]:
    """Pulls that paid more than an arm is worth, of those that the buffer still holds."""
    step, rewards = int(state.step), np.asarray(state.buffer["reward"])
    pulls = range(max(since_step, step - len(rewards)), step)
    found = [(pull + 1, float(rewards[pull % len(rewards)])) for pull in pulls]
    return [{"kind": "luck", "step": pull, "reward": paid} for pull, paid in found if paid > LUCK]


@jax.jit
def _judge(state: State) -> tuple[State, dict[str, Array]]:
    key, _ = jax.random.split(state.key)
    contexts = jnp.arange(state.config.arms)
    expected = jnp.mean(jnp.diagonal(jax.nn.softmax(_scores(state.params, contexts))))
    best = jnp.maximum(state.best, state.params["scores"]["kernel"])
    ends = {"expected_low": expected - 0.1, "expected_high": expected + 0.1}
    return state.replace(key=key, best=best), {"expected": expected, **ends}


def _host(config: Config, state: State) -> None:
    def work(step: np.ndarray) -> None:
        time.sleep(config.pause)
        if config.fail_in == "update":
            _fail(config, step)

    if config.pause or config.fail_at:
        jax.debug.callback(work, state.step, ordered=True)


def _fail(config: Config, step: Any) -> None:
    if config.fail_at and step >= config.fail_at:
        raise RuntimeError("the toy broke")


def _optimizer(config: Config) -> optax.GradientTransformation:
    learning = config.learning
    return getattr(optax, learning.optimizer)(learning.learning_rate)


def _pull(config: Config, params: Any, key: Array) -> dict[str, Array]:
    context_key, arm_key, reward_key = jax.random.split(key, 3)
    context = jax.random.randint(context_key, (config.batch,), 0, config.arms)
    arm = jax.random.categorical(arm_key, _scores(params, context))
    noise = 0.1 * jax.random.normal(reward_key, (config.batch,))
    return {"context": context, "arm": arm, "reward": (arm == context) + noise}


def _scores(params: Any, context: Array) -> Array:
    return params["scores"]["kernel"][context] + params["scores"]["bias"]


def _loss(params: Any, buffer: Any) -> Array:
    chosen = jnp.take_along_axis(_scores(params, buffer["context"]), buffer["arm"][:, None], 1)
    return jnp.mean((chosen[:, 0] - buffer["reward"]) ** 2)


task.register("toy", "tests.training.toy_task")

if __name__ == "__main__":
    sys.exit(main())
