"""What an agent for board games is made of: the network of a self-play checkpoint."""

from collections.abc import Mapping
from typing import Any

from training.manifest import Manifest
from training.packing import ExportError, Recipe, Shapes, check_tensors, count
from training.safetensors import Array
from training.storage import WEIGHTS

ENVIRONMENTS = ("connectx", "tictactoe")
FIXED: tuple[str, ...] = ()  # of the configuration: a board of another size is played by threats
PLANES = 4
VALUE_UNITS, POLICY_CHANNELS, VALUE_CHANNELS = 64, 4, 2
MODULES = (
    "boards/board",
    "boards/clock",
    "boards/network",
    "boards/heuristic",
    "boards/tree",
    "boards/endgame",
    "boards/planner",
    "boards/player",
    "boards/main",
)


def recipe(found: Manifest, tensors: Mapping[str, Array], move_seconds: float) -> Recipe:
    """move_seconds: how long the agent thinks for a move."""
    about = describe(found)
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith(WEIGHTS)}
    check_tensors(weights, expected_shapes(about))
    return Recipe(
        about,
        {name.removeprefix(WEIGHTS): tensor for name, tensor in weights.items()},
        MODULES,
        {"MOVE_SECONDS": repr(float(move_seconds))},
    )


def describe(found: Manifest) -> dict[str, Any]:
    """environment, configuration, network (kind, width, depth) and step of a checkpoint."""
    environment = found.environment.get("name", found.task)
    if environment not in ENVIRONMENTS:
        raise ExportError(
            f"This checkpoint is of {environment!r}; agents can be made for"
            f" {' and '.join(ENVIRONMENTS)} only."
        )
    try:
        network = found.config[found.task]["network"]
        about = {
            "environment": environment,
            "configuration": {
                key: count(found.environment["configuration"][key])
                for key in ("rows", "columns", "inarow")
            },
            "network": {"kind": str(network["kind"])}
            | {key: count(network[key]) for key in ("width", "depth")},
            "step": found.step,
        }
    except (KeyError, TypeError, ValueError):
        raise ExportError("This checkpoint does not say what network it holds.") from None
    return about


def expected_shapes(about: Mapping[str, Any]) -> Shapes:
    """The tensors of the network, as `training.networks` builds it."""
    network, size = about["network"], about["configuration"]
    width, depth = network["width"], network["depth"]
    cells = size["rows"] * size["columns"]
    actions = cells if about["environment"] == "tictactoe" else size["columns"]
    if network["kind"] == "mlp":
        kernels: Shapes = {"input": (PLANES * cells, width)}
        kernels |= {f"block_{number}": (width, width) for number in range(1, depth)}
        policy = value = width
    elif network["kind"] == "resnet":
        kernels = {"stem": (3, 3, PLANES, width)}
        names = (f"block_{number}_{half}" for number in range(depth) for half in "ab")
        kernels |= dict.fromkeys(names, (3, 3, width, width))
        kernels["policy_conv"] = (1, 1, width, POLICY_CHANNELS)
        kernels["value_conv"] = (1, 1, width, VALUE_CHANNELS)
        policy, value = POLICY_CHANNELS * cells, VALUE_CHANNELS * cells
    else:
        raise ExportError(f"There is no agent for a network of the kind {network['kind']!r}.")
    kernels |= {"policy": (policy, actions), "value_hidden": (value, VALUE_UNITS)}
    kernels["value"] = (VALUE_UNITS, 1)
    biases = {f"{WEIGHTS}{name}/bias": shape[-1:] for name, shape in kernels.items()}
    return {f"{WEIGHTS}{name}/kernel": shape for name, shape in kernels.items()} | biases
