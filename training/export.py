"""A checkpoint becomes an ordinary submission: a main.py that plays in NumPy. No JAX here.

The modules of `agent_template` are joined into that one file, so that no engine can mix up the
modules of two agents; weights lie in it, or beside it where they are large.
"""

import base64
import gzip
import hashlib
import io
import json
import math
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import safetensors, storage
from training.errors import TrainingError
from training.folder import candidates, replacing
from training.manifest import Manifest, ManifestError

Weights = dict[str, NDArray[np.float32]]
Shapes = dict[str, tuple[int, ...]]

ENVIRONMENTS = ("connectx", "tictactoe")
PLANES = 4
MAX_COUNT = 4096
VALUE_UNITS, POLICY_CHANNELS, VALUE_CHANNELS = 64, 4, 2
MAX_MOVE_SECONDS = 60.0
MAX_BYTES = 16 << 20  # of weights: leagues take no larger uploads
INSIDE_BYTES = 1 << 20  # of weights that an archive holds in main.py itself
WEIGHTS_FILE = "weights.safetensors"
# In the order in which they use each other; the last one ends with `agent`.
MODULES = (
    "settings",
    "boards",
    "clock",
    "network",
    "heuristic",
    "tree",
    "endgame",
    "planner",
    "player",
    "main",
)


class ExportError(TrainingError):
    """No agent can be made of this; why, in one sentence."""

    code = 2


@dataclass(frozen=True)
class Summary:
    """What was written. parameters: the number of weights."""

    path: Path
    sha256: str
    size_bytes: int
    environment: str
    step: int
    parameters: int

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.size_bytes:,} bytes, sha256 {self.sha256};"
            f" plays {self.environment} with {self.parameters:,} weights of step {self.step:,}"
        )


def export(checkpoint: Path, out: Path, move_seconds: float = 0.2) -> Summary:
    """Writes an agent (.tar.gz, or .py for a single file) that thinks so long for a move.

    checkpoint: a file, or the folder of a run, whose newest one is taken.
    The same weights and options give the same bytes. Raises ExportError; `out` is then as before.
    """
    if not (math.isfinite(move_seconds) and 0 < move_seconds <= MAX_MOVE_SECONDS):
        raise ExportError(
            f"A move takes more than 0 and at most {MAX_MOVE_SECONDS:g} seconds,"
            f" not {move_seconds:g}."
        )
    pack = next((PACKERS[kind] for kind in PACKERS if out.name.endswith(kind)), None)
    if pack is None:
        raise ExportError(f"The name {out.name} must end in {' or '.join(PACKERS)}.")
    about, weights = read_weights(newest(checkpoint))
    content = pack(source(about, move_seconds), packed_weights(weights, about))
    write_whole(out, content)
    return Summary(
        path=out,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        environment=about["environment"],
        step=about["step"],
        parameters=sum(tensor.size for tensor in weights.values()),
    )


def newest(path: Path) -> Path:
    """The checkpoint itself, or the newest in a folder."""
    if not path.is_dir():
        return path
    found = candidates(path)
    if not found:
        raise ExportError(f"There is no checkpoint in {path}.")
    return found[0]


def read_weights(checkpoint: Path) -> tuple[dict[str, Any], Weights]:
    """What the agent must know of its training, and the weights that play, all checked."""
    try:
        tensors, found = storage.read(checkpoint)
    except ManifestError as error:
        raise ExportError(error.message) from None
    about = describe(found)
    weights = {
        name.removeprefix(storage.WEIGHTS): tensor
        for name, tensor in tensors.items()
        if name.startswith(storage.WEIGHTS)
    }
    check_tensors(weights, expected_shapes(about))
    return about, weights


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
                key: _count(found.environment["configuration"][key])
                for key in ("rows", "columns", "inarow")
            },
            "network": {"kind": str(network["kind"])}
            | {key: _count(network[key]) for key in ("width", "depth")},
            "step": found.step,
        }
    except (KeyError, TypeError, ValueError):
        raise ExportError("This checkpoint does not say what network it holds.") from None
    return about


def _count(value: object) -> int:
    """A number of rows, layers and the like; raises ValueError for what can be none."""
    if type(value) is not int or not 1 <= value <= MAX_COUNT:
        raise ValueError
    return value


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
    biases = {f"{name}/bias": shape[-1:] for name, shape in kernels.items()}
    return {f"{name}/kernel": shape for name, shape in kernels.items()} | biases


def check_tensors(tensors: Weights, expected: Shapes) -> None:
    for name in sorted(tensors.keys() ^ expected.keys()):
        what = "lacks the" if name in expected else "has an unknown"
        raise ExportError(f"This checkpoint {what} tensor {storage.WEIGHTS}{name}.")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name] or tensor.dtype != np.float32:
            raise ExportError(
                f"{storage.WEIGHTS}{name} is {tensor.dtype}{list(tensor.shape)},"
                f" not float32{list(expected[name])}."
            )
    if sum(tensor.nbytes for tensor in tensors.values()) > MAX_BYTES:
        raise ExportError(f"The network is larger than {MAX_BYTES >> 20} MiB.")


def source(about: Mapping[str, Any], move_seconds: float) -> str:
    """The template as one module."""
    folder = resources.files("training").joinpath("agent_template")
    parts = [folder.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in MODULES]
    own = re.compile(r"^from training\.agent_template\..*\n", re.MULTILINE)
    title = (
        f'"""Plays {about["environment"]} with a network in NumPy.'
        f' Exported by Palaestra, step {about["step"]}."""\n\n'
    )
    text = title + "\n\n".join(own.sub("", part) for part in parts)
    return with_value(text, "MOVE_SECONDS", repr(float(move_seconds)))


def with_value(text: str, name: str, value: str) -> str:
    """The source with another value of a constant, up to its comment."""
    changed, count = re.subn(rf"(?m)^{name} = \S+", lambda _: f"{name} = {value}", text)
    if count != 1:
        raise AssertionError(f"the template sets {name} {count} times")
    return changed


def packed_weights(weights: Weights, about: Mapping[str, Any]) -> bytes:
    """A safetensors file that `agent_template.network.read_weights` reads."""
    layout = safetensors.ordered(weights)
    header = safetensors.header(layout, {"agent": json.dumps(about)})
    content = io.BytesIO()
    content.write(safetensors.with_length(header))
    safetensors.write_tensors(content, layout)
    return content.getvalue()


def pack_file(text: str, weights: bytes) -> bytes:
    encoded = base64.b64encode(weights).decode()
    return with_value(text, "WEIGHTS", f'"{encoded}"').encode()


def pack_archive(text: str, weights: bytes) -> bytes:
    if len(weights) <= INSIDE_BYTES:
        return archive({"main.py": pack_file(text, weights)})
    return archive({"main.py": text.encode(), WEIGHTS_FILE: weights})


def archive(files: Mapping[str, bytes]) -> bytes:
    """A .tar.gz without owners and times."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def write_whole(out: Path, content: bytes) -> None:
    try:
        with replacing(out) as file:
            file.write(content)
    except OSError as error:
        raise ExportError(
            f"{out} cannot be written ({error.strerror}): "
            "make its folder first, or give another path."
        ) from None


PACKERS = {".tar.gz": pack_archive, ".py": pack_file}
