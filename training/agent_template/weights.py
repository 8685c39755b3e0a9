"""The trained weights: in this file, or in one beside it."""

import base64
import json
import os
import sys
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float32]]
WEIGHTS = ""  # a safetensors file in base64; where empty, WEIGHTS_FILE lies beside this one
WEIGHTS_FILE = "weights.safetensors"


def weights() -> bytes:
    """From this file, or from the one beside it, wherever an engine has put that."""
    if WEIGHTS:
        return base64.b64decode(WEIGHTS)
    beside = [globals().get("__file__"), weights.__code__.co_filename]
    folders = [os.path.dirname(os.path.abspath(path)) for path in beside if path]
    paths = [os.path.join(folder, WEIGHTS_FILE) for folder in (*folders, os.getcwd(), *sys.path)]
    found = next((path for path in paths if os.path.isfile(path)), WEIGHTS_FILE)
    with open(found, "rb") as file:
        return file.read()


def read_weights(data: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """The tensors and what was said about them, of a safetensors file that `export` wrote."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    about = json.loads(header.pop("__metadata__")["agent"])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = np.frombuffer(data, "<f4", (end - begin) // 4, 8 + size + begin)
        tensors[name] = raw.reshape(entry["shape"])
    return tensors, about
