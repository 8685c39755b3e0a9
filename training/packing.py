"""Source and weights of an agent become one file or archive: the same bytes each time.

The modules of `agent_template` are joined into one main.py, so that no engine can mix up the
modules of two agents; weights lie in it, or beside it where they are large.
"""

import base64
import gzip
import io
import json
import re
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import safetensors
from training.errors import TrainingError

Weights = dict[str, NDArray[np.float32]]
Shapes = dict[str, tuple[int, ...]]

MAX_BYTES = 16 << 20  # of weights: leagues take no larger uploads
INSIDE_BYTES = 1 << 20  # of weights that an archive holds in main.py itself
WEIGHTS_FILE = "weights.safetensors"
SHARED_MODULES = ("startup", "weights", "shown")  # of all agents, before their own


class ExportError(TrainingError):
    """No agent can be made of this; why, in one sentence."""

    code = 2


@dataclass(frozen=True)
class Recipe:
    """What an agent is made of.

    about: what it must know of its training, among this "environment" and "step". modules: paths
    in `agent_template`, in the order in which they use each other; the last one ends with `agent`.
    constants: literals that the source is to have in place of its own.
    """

    about: dict[str, Any]
    weights: Weights
    modules: tuple[str, ...]
    constants: dict[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        return sum(tensor.size for tensor in self.weights.values())


Packer = Callable[[Recipe], bytes]


def count(value: object, minimum: int = 1, maximum: int = 4096) -> int:
    """A number of rows, layers and the like; raises ValueError for what can be none."""
    if type(value) is not int or not minimum <= value <= maximum:
        raise ValueError
    return value


def check_tensors(
    tensors: Mapping[str, NDArray[Any]], expected: Shapes, dtypes: Mapping[str, str] | None = None
) -> None:
    """Raises ExportError unless these are there and no others. dtypes: of those not float32."""
    for name in sorted(tensors.keys() ^ expected.keys()):
        what = "lacks the" if name in expected else "has an unknown"
        raise ExportError(f"This checkpoint {what} tensor {name}.")
    for name, tensor in tensors.items():
        dtype = (dtypes or {}).get(name, "float32")
        if tensor.shape != expected[name] or tensor.dtype != dtype:
            raise ExportError(
                f"{name} is {tensor.dtype}{list(tensor.shape)}, not {dtype}{list(expected[name])}."
            )


def packer(name: str) -> Packer:
    """Makes a file of this name of a recipe. Raises ExportError for another kind of file."""
    pack = next((PACKERS[kind] for kind in PACKERS if name.endswith(kind)), None)
    if pack is None:
        raise ExportError(f"The name {name} must end in {' or '.join(PACKERS)}.")
    return lambda recipe: pack(source(recipe), packed_weights(recipe))


def source(recipe: Recipe) -> str:
    """The template as one module."""
    folder = resources.files("training").joinpath("agent_template")
    names = (*SHARED_MODULES, *recipe.modules)
    parts = [folder.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in names]
    own = re.compile(r"^from training\.agent_template\..*\n", re.MULTILINE)
    title = (
        f'"""Plays {recipe.about["environment"]} with a network in NumPy.'
        f' Exported by Palaestra, step {recipe.about["step"]}."""\n\n'
    )
    text = title + "\n\n".join(own.sub("", part) for part in parts)
    for name, value in recipe.constants.items():
        text = with_value(text, name, value)
    return text


def with_value(text: str, name: str, value: str) -> str:
    """The source with another value of a constant, up to its comment."""
    changed, count = re.subn(rf"(?m)^{name} = \S+", lambda _: f"{name} = {value}", text)
    if count != 1:
        raise AssertionError(f"the template sets {name} {count} times")
    return changed


def packed_weights(recipe: Recipe) -> bytes:
    """A safetensors file that `agent_template.weights.read_weights` reads; raises ExportError."""
    if sum(tensor.nbytes for tensor in recipe.weights.values()) > MAX_BYTES:
        raise ExportError(f"The network is larger than {MAX_BYTES >> 20} MiB.")
    layout = safetensors.ordered(recipe.weights)
    header = safetensors.header(layout, {"agent": json.dumps(recipe.about)})
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


PACKERS = {".tar.gz": pack_archive, ".py": pack_file}
