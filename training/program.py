"""A task made ready to run: shapes known, memory weighed, its update compiled once."""

from collections.abc import Mapping
from typing import Any

import jax

from training import config, memory
from training import task as tasks
from training.config import RunConfig

SEED_KIND = "threefry2x32"


class Program:
    """init and update of a run's task, on JAX's default device.

    Under jit no two leaves of a first state share a buffer, so that all of it can be donated.
    """

    def __init__(self, run: RunConfig) -> None:
        self._run = run
        self.task: Any = tasks.load(run.task)
        self._init = jax.jit(lambda key: self.task.init(key, run.settings))
        self._update: Any = None
        self._free = memory.available(_device())
        self.shapes: Any = jax.eval_shape(self._init, self._key())
        memory.check(memory.size(self.shapes), self._free, self.knobs)

    def init(self) -> Any:
        """The state that a run begins with; the same for the same seed."""
        return self._init(self._key())

    def compile(self) -> None:
        """Raises NoMemory where an update needs more memory than there was before the run."""
        lowered = jax.jit(self.task.update, donate_argnums=0).lower(self.shapes)
        self._update = lowered.compile()
        memory.check(memory.of_update(self._update), self._free, self.knobs)

    def update(self, state: Any) -> tuple[Any, int, Mapping[str, Any]]:
        """The next state, its step and the metrics. The old state is used up."""
        state, metrics = self._update(state)
        step, metrics = jax.device_get((state.step, metrics))
        return state, int(step), metrics

    def evaluate(self, state: Any) -> tuple[Any, Mapping[str, Any]]:
        """Leaves the old state alive."""
        state, metrics = self.task.evaluate(state)
        return state, jax.device_get(metrics)

    @property
    def evaluates(self) -> bool:
        return hasattr(self.task, "evaluate")

    @property
    def knobs(self) -> str:
        """What to turn down to save memory, with its values now."""
        data = config.flat(config.to_dict(self._run))
        return ", ".join(f'"{key}" (now {data.get(key)})' for key in self.task.KNOBS)

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


def _device() -> jax.Device:
    chosen: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    device: jax.Device = chosen or jax.devices()[0]
    return device
