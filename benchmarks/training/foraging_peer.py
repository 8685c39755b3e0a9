"""emergence-lab (github.com/imashishkh21/emergence-lab), trained from a checkout of it."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

CHECKOUT = "EMERGENCE_LAB"
# Its module of trackers imports these, for reports that training does not make.
UNUSED = {
    "sklearn.cluster": "KMeans",
    "sklearn.metrics": "silhouette_score",
    "sklearn.preprocessing": "StandardScaler",
}
# What its training guide sets; all else are its defaults.
GUIDE: dict[str, dict[str, Any]] = {
    "env": {"num_food": 20},
    "train": {"num_envs": 32, "num_steps": 128, "num_epochs": 4, "minibatch_size": 256},
    "evolution": {
        "starting_energy": 200,
        "food_energy": 100,
        "reproduce_threshold": 120,
        "reproduce_cost": 50,
        "max_agents": 32,
    },
    "specialization": {"diversity_bonus": 0.1, "niche_pressure": 0.05},
    "log": {"wandb": False},
}


class NotThere(Exception):
    """Why it cannot be measured."""


def folder() -> Path:
    """Raises NotThere."""
    named = os.environ.get(CHECKOUT)
    if not named:
        raise NotThere(f"{CHECKOUT} names no checkout of emergence-lab")
    path = Path(named).resolve()
    if not (path / "src/training/train.py").is_file():
        raise NotThere(f"{CHECKOUT}={named} is no checkout of emergence-lab")
    return path


def theirs() -> Callable[[], int]:
    """Its training in the guide's configuration; a call is an iteration, and counts its steps.

    An iteration ends as theirs does, with the figures that they show fetched from the device.
    """
    sys.path.insert(0, str(folder()))
    _fill_in()
    import jax

    training, config = import_module("src.training.train"), _config()
    state = training.create_train_state(config, jax.random.PRNGKey(config.train.seed))
    step = jax.jit(lambda state: training.train_step(state, config))

    def iterate() -> int:
        nonlocal state
        state, metrics = step(state)
        jax.block_until_ready(state)
        for name in ("mean_reward", "total_loss", "entropy", "population_size"):
            float(metrics[name])
        train = config.train
        return int(train.num_envs * train.num_steps * config.evolution.max_agents)

    return iterate


def _config() -> Any:
    config = import_module("src.configs").Config()
    for part, values in GUIDE.items():
        for name, value in values.items():
            if not hasattr(getattr(config, part), name):
                raise NotThere(f"emergence-lab has no setting {part}.{name} any more")
            setattr(getattr(config, part), name, value)
    return config


def _fill_in() -> None:
    """Where scikit-learn is missing, empty modules take its place in this process."""
    if find_spec("sklearn"):
        return
    sys.modules["sklearn"] = ModuleType("sklearn")
    for name, content in UNUSED.items():
        module = ModuleType(name)
        setattr(module, content, None)
        sys.modules[name] = module
