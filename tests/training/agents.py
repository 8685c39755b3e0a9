"""Checkpoints with random weights, agents exported from them, random positions."""

import functools
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from training import envs, export, networks, storage
from training.agent_template.boards.board import Board
from training.folder import replacing
from training.manifest import Manifest
from training.networks import Network

CONNECTX = ("connectx", {"rows": 6, "columns": 7, "inarow": 4})
TICTACTOE = ("tictactoe", {"rows": 3, "columns": 3, "inarow": 3})
MLP = Network("mlp", 64, 2)
SIZES = [
    CONNECTX,
    TICTACTOE,
    ("connectx", {"rows": 4, "columns": 5, "inarow": 3}),
    ("connectx", {"rows": 9, "columns": 9, "inarow": 5}),
    ("connectx", {"rows": 3, "columns": 8, "inarow": 4}),
    ("connectx", {"rows": 5, "columns": 2, "inarow": 3}),
]


def board_of(game):
    return Board(*game[1].values(), falls=game[0] == "connectx")


def env_of(game):
    return envs.load(game[0], game[1] if game[0] == "connectx" else {})


def mark_of(cells):
    return 1 + (len(cells) - cells.count(0)) % 2


def sets_of(board, cells):
    return board.position(*board.sets(cells, mark_of(cells)))


def params_of(env: envs.JaxEnv, network: Network, seed: int = 0) -> dict[str, Any]:
    """Random weights with opinions: flax begins with none."""
    features = np.zeros((*env.shape, 4), np.float32)
    make = functools.partial(networks.init, network=network, num_actions=env.num_actions)
    shapes = jax.eval_shape(lambda key: make(key, features=features), jax.random.key(0))
    rng = np.random.default_rng(seed)

    def draw(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        inputs = max(1, int(np.prod(leaf.shape[:-1])))
        return rng.normal(0, (2 / inputs) ** 0.5, leaf.shape).astype(np.float32)

    return jax.tree.map(draw, shapes)


def flat(params: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        f"{layer}/{name}": array for layer, both in params.items() for name, array in both.items()
    }


def write_checkpoint(path: Path, game=CONNECTX, network=MLP, seed: int = 0, **changes: Any) -> Path:
    """changes: to the manifest; `tensors` are taken instead of random ones."""
    env = env_of(game)
    settings = {"kind": network.kind, "width": network.width, "depth": network.depth}
    tensors = changes.pop("tensors", None) or {
        f"params/{name}": tensor for name, tensor in flat(params_of(env, network, seed)).items()
    }
    environment = {"name": env.name, "version": env.version, "configuration": env.configuration}
    manifest = {
        "task": "selfplay",
        "step": 1000,
        "config": {"task": "selfplay", "selfplay": {"network": settings}},
        "environment": environment,
    } | changes
    with replacing(path) as file:
        storage.write(file, tensors, Manifest(**manifest))
    return path


def exported(folder: Path, game=CONNECTX, network=MLP, seconds: float = 0.2) -> Path:
    """A single main.py."""
    checkpoint = write_checkpoint(folder / "step_1000.safetensors", game, network)
    export.export(checkpoint, folder / "main.py", seconds)
    return folder / "main.py"


def load(main: Path) -> dict[str, Any]:
    """The names of an agent's module, run as kaggle-environments runs it."""
    namespace: dict[str, Any] = {}
    exec(compile(main.read_text(), str(main), "exec"), namespace)
    return namespace


def random_boards(game, count: int, seed: int = 0) -> list[list[int]]:
    """Of games in progress, after random legal moves; the engine's cells."""
    rows, columns, inarow = game[1].values()
    rng = random.Random(seed)
    boards: list[list[int]] = []
    while len(boards) < count:
        board, mark, played, ended = [0] * (rows * columns), 1, [], False
        while not ended and 0 in board:
            played.append(board[:])
            cell = rng.choice(_cells(board, game))
            board[cell] = mark
            stones = np.array(board).reshape(rows, columns) == mark
            ended = completes(stones, divmod(cell, columns), inarow)
            mark = 3 - mark
        boards += rng.sample(played, min(4, len(played)))
    return boards[:count]


def _cells(board: list[int], game) -> list[int]:
    """Where a stone can come to lie."""
    columns = game[1]["columns"]
    empty = [cell for cell, mark in enumerate(board) if not mark]
    if game[0] == "tictactoe":
        return empty
    return [cell for cell in empty if cell + columns >= len(board) or board[cell + columns]]


def completes(stones: np.ndarray, cell: Sequence[int], inarow: int) -> bool:
    """Whether a stone in this cell would be part of a line, tried plainly."""
    with_it = stones.copy()
    with_it[tuple(cell)] = True
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for start in range(1 - inarow, 1):
            steps = range(start, start + inarow)
            line = [(cell[0] + down * step, cell[1] + right * step) for step in steps]
            inside = all(
                0 <= row < stones.shape[0] and 0 <= column < stones.shape[1] for row, column in line
            )
            if inside and all(with_it[place] for place in line):
                return True
    return False
