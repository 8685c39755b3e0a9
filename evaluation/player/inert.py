"""Data in a page: JSON that never becomes markup, and parts of the page packed to save room."""

import base64
import json
import math
import zlib
from typing import Any

Element = tuple[str, dict[str, str], str]  # tag, attributes, text


def encode(value: Any) -> str:
    """JSON that is inert inside a script element: no `<`, `>`, `&` and nothing beyond ASCII.

    What JSON has no word for (an agent of this process may answer anything) stands as its repr.
    """
    text = json.dumps(_finite(value), separators=(",", ":"), default=repr)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The same data with null for NaN and infinities, which JSON has no word for."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def pack(elements: list[Element]) -> str:
    """Elements for the page's loader, deflated, in letters that are safe everywhere."""
    return base64.b64encode(zlib.compress(json.dumps(elements).encode(), 9)).decode()
