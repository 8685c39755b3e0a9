"""A task made ready to run: shapes known, memory weighed, its update compiled once."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from training import config, memory, shards
from training import task as tasks
from training.config import RunConfig
from training.errors import Refused

SEED_KIND = "threefry2x32"


def knobs(run: RunConfig) -> str:
    """What to turn down to save memory, with its values now."""
    data = config.flat(config.to_dict(run))
    return ", ".join(f'"{key}" (now {data.get(key)})' for key in tasks.load(run.task).KNOBS)


class Program:
    """init and update of a run's task, on as many devices as its parts ask for.

    Under jit no two leaves of a first state share a buffer, so that all of it can be donated.
    """

    def __init__(self, run: RunConfig) -> None:
        self._run = run
        self.task: Any = tasks.load(run.task)
        parts = self.task.parts(run.settings) if hasattr(self.task, "parts") else 1
        self._place = shards.replicated(parts)
        self._init = jax.jit(
            lambda key: self.task.init(key, run.settings), out_shardings=self._place
        )
        self._update: Any = None
        self._free = memory.available(self._first)
        self.shapes: Any = jax.eval_shape(self._init, self._key())
        self._check(memory.size(self.shapes))
        most = int(np.iinfo(self.shapes.step.dtype).max)
        if run.total_steps > most:
            raise Refused(
                f'"total_steps" must be at most {most} for {run.task}, which counts so far.'
            )

    def init(self) -> Any:
        """The state that a run begins with; the same for the same seed."""
        return self._init(self._key())

    def compile(self) -> None:
        """Raises NoMemory where an update needs more memory than there was before the run."""
        update = jax.jit(
            self.task.update,
            donate_argnums=0,
            in_shardings=self._place,
            out_shardings=self._place,
        )
        self._update = update.lower(self.shapes).compile()
        self._check(memory.of_update(self._update))

    def place(self, state: Any) -> Any:
        """The state where updates want it, in memory of its own.

        An array on the CPU may share its memory with what it was made from, say a file's bytes.
        """
        return jax.device_put(jax.tree.map(jnp.copy, state), self._place)

    def update(self, state: Any) -> tuple[Any, int, Mapping[str, Any]]:
        """The next state, its step and the metrics. The old state, in its place, is used up."""
        state, metrics = self._update(state)
        step, metrics = jax.device_get((state.step, metrics))
        return state, int(step), metrics

    def evaluate(self, state: Any) -> tuple[Any, Mapping[str, Any]]:
        """On one device; leaves the old state alive. The new one lies in place."""
        state, metrics = self.task.evaluate(jax.device_put(state, self._first))
        return jax.device_put(state, self._place), jax.device_get(metrics)

    def events(self, state: Any, since_step: int) -> list[Mapping[str, Any]]:
        """What the task has noticed after that step; nothing where it notices nothing at all."""
        if not hasattr(self.task, "events"):
            return []
        found: list[Mapping[str, Any]] = self.task.events(state, since_step)
        return found

    def headline(self, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a shell shows of a line of metrics: what the task names, or all of it."""
        names = getattr(self.task, "HEADLINE", metrics)
        return {name: metrics[name] for name in names if name in metrics}

    @property
    def evaluates(self) -> bool:
        return hasattr(self.task, "evaluate")

    @property
    def knobs(self) -> str:
        return knobs(self._run)

    @property
    def environment(self) -> dict[str, Any]:
        """Of a game or world: its name, its version, its configuration."""
        if not hasattr(self.task, "environment"):
            return {}
        env = self.task.environment(self._run.settings)
        return {
            "name": env.name,
            "version": env.version,
            "configuration": dict(env.configuration),
        }

    def _key(self) -> jax.Array:
        return jax.random.key(self._run.seed, impl=SEED_KIND)

    @property
    def _first(self) -> jax.Device:
        device: jax.Device = self._place.mesh.devices.flat[0]
        return device

    def _check(self, needed: int) -> None:
        """needed: bytes on one device. The cores of a processor share its memory."""
        shared = self._place.mesh.size if self._first.platform == "cpu" else 1
        memory.check(needed * shared, self._free, self.knobs)
