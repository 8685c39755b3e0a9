"""The trained network in NumPy. Shapes: N positions, S ways to turn a board, A actions.

R rows, C columns, P planes of features, W width. Parameters are those of `training.networks`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from training.agent_template.boards.board import Board, Sets
from training.agent_template.weights import Array

WORD = 8  # bits that np.unpackbits takes at a time


class Network:
    """Looks at each position from every side of the board and takes the mean."""

    def __init__(self, board: Board, tensors: dict[str, Array], mirrors: int | None = None) -> None:
        """mirrors: how many ways to turn the board, all by default; 1 is the plain network."""
        self.bytes = -(-board.columns * board.height // WORD)
        turned = board.mirrors[:mirrors]
        self.cells = self._cells([cells for cells, _ in turned], board.places)
        # Where each turned board shows the move that is action `a` of the board itself.
        self.actions = np.argsort([actions for _, actions in turned], axis=1).ravel()
        self.sides = np.arange(len(turned)).repeat(len(turned[0][1]))
        self.count = len(turned)
        self.forward = build(tensors, board.rows, board.columns)

    def _cells(self, turned: list[list[int]], places: list[int]) -> Any:
        """Which bits of a position are its features, turned: int[S * R * C * P]."""
        bits = np.array(places)[np.array(turned)]
        planes = np.arange(4) * self.bytes * WORD
        return (bits[:, :, None] + planes).ravel()

    def features(self, positions: Sequence[Sets]) -> Array:
        """float32[N * S, R * C * P], the turned boards of a position one after the other."""
        size = self.bytes
        data = b"".join([one.to_bytes(size, "little") for sets in positions for one in sets])
        packed = np.frombuffer(data, np.uint8).reshape(len(positions), 4 * size)
        bits = np.unpackbits(packed, axis=1, bitorder="little").take(self.cells, axis=1)
        seen: Array = bits.reshape(len(positions) * self.count, -1).astype(np.float32)
        return seen

    def __call__(self, positions: Sequence[Sets]) -> tuple[list[list[float]], list[float]]:
        """Logits [N][A] and values [N] for the side to move, -1 to 1."""
        logits, values = self.forward(self.features(positions))
        if self.count > 1:
            sides = logits.reshape(len(positions), self.count, -1)
            own = sides[:, self.sides, self.actions].reshape(sides.shape)
            logits, values = own.mean(1), values.reshape(-1, self.count).mean(1)
        return logits.tolist(), values.tolist()


def build(tensors: dict[str, Array], rows: int, columns: int) -> Callable[[Array], Any]:
    """The function of features [N, R * C * P] that gives logits [N, A] and values [N]."""
    kind = ResNet if "stem/kernel" in tensors else Mlp
    return kind(tensors, rows, columns)


class Mlp:
    """Dense layers with residual connections."""

    def __init__(self, tensors: dict[str, Array], rows: int, columns: int) -> None:
        depth = sum(name.startswith("block_") for name in tensors) // 2
        self.input = layer(tensors, "input")
        self.blocks = [layer(tensors, f"block_{number}") for number in range(1, depth + 1)]
        self.heads = Heads(tensors)

    def __call__(self, features: Array) -> tuple[Array, Array]:
        x = rectified(dense(features, *self.input))
        for block in self.blocks:
            x += rectified(dense(x, *block))
        return self.heads(x, x)


class ResNet:
    """3x3 convolutions in residual blocks, on a strip of cells [cells, W].

    Every board is followed by an empty row, every row by an empty cell, and the strip has margins:
    so each of a cell's neighbours is one shift away, and a convolution is nine products of views.
    """

    def __init__(self, tensors: dict[str, Array], rows: int, columns: int) -> None:
        self.rows, self.columns, self.margin = rows, columns, columns + 2
        self.shifts = [row * (columns + 1) + column for row in range(3) for column in range(3)]
        depth = sum(name.startswith("block_") for name in tensors) // 4
        self.stem = layer(tensors, "stem")
        self.blocks = [
            (layer(tensors, f"block_{number}_a"), layer(tensors, f"block_{number}_b"))
            for number in range(depth)
        ]
        self.convolutions = layer(tensors, "policy_conv"), layer(tensors, "value_conv")
        self.heads = Heads(tensors)

    def __call__(self, features: Array) -> tuple[Array, Array]:
        boards = features.reshape(len(features), self.rows, self.columns, -1)
        strip = self._strip(len(boards), boards.shape[-1])
        self._cells(strip)[:] = boards
        x = rectified(self._convolved(strip, *self.stem))
        for first, second in self.blocks:
            y = rectified(self._convolved(x, *first))
            x += self._convolved(y, *second)
            rectified(x)
        cells = self._cells(x)
        policy, value = (
            rectified(dense(cells, kernel[0, 0], bias)).reshape(len(boards), -1)
            for kernel, bias in self.convolutions
        )
        return self.heads(policy, value)

    def _strip(self, count: int, width: int) -> Array:
        """Empty, for so many boards."""
        cells = count * (self.rows + 1) * (self.columns + 1)
        return np.zeros((cells + 2 * self.margin, width), np.float32)

    def _cells(self, strip: Array) -> Array:
        """A view of the boards' own cells [N, R, C, W]."""
        grid = strip[self.margin : -self.margin]
        boards = grid.reshape(-1, self.rows + 1, self.columns + 1, strip.shape[1])
        return boards[:, :-1, :-1]

    def _convolved(self, strip: Array, kernel: Array, bias: Array) -> Array:
        size = len(strip) - 2 * self.margin
        kernels = kernel.reshape(9, -1, len(bias))
        total = strip[:size] @ kernels[0]
        for shift, part in zip(self.shifts[1:], kernels[1:], strict=True):
            total += strip[shift : shift + size] @ part
        total += bias
        result = np.zeros((len(strip), len(bias)), np.float32)
        boards = total.reshape(-1, self.rows + 1, self.columns + 1, len(bias))
        self._cells(result)[:] = boards[:, :-1, :-1]
        return result


class Heads:
    """What the network thinks of each move, and of the position."""

    def __init__(self, tensors: dict[str, Array]) -> None:
        self.policy = layer(tensors, "policy")
        self.hidden, self.value = layer(tensors, "value_hidden"), layer(tensors, "value")

    def __call__(self, policy: Array, value: Array) -> tuple[Array, Array]:
        values = dense(rectified(dense(value, *self.hidden)), *self.value)
        return dense(policy, *self.policy), np.tanh(values[:, 0])


def layer(tensors: dict[str, Array], name: str) -> tuple[Array, Array]:
    return tensors[f"{name}/kernel"], tensors[f"{name}/bias"]


def dense(x: Array, kernel: Array, bias: Array) -> Array:
    y: Array = x @ kernel
    y += bias
    return y


def rectified(x: Array) -> Array:
    return np.maximum(x, 0, out=x)
