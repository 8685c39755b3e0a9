"""What draws an environment's episodes in a browser: our own modules, and what came with others.

A drawing that is not ours runs in a sandboxed frame only; docs/adr/0009 says why and how.
"""

import gzip
from dataclasses import dataclass
from functools import lru_cache

from django.contrib.staticfiles import finders

import evaluation
from evaluation import player, rendering

KEPT = 8  # whole viewers have some megabytes each
SANDBOX = "sandbox allow-scripts"


@dataclass(frozen=True)
class FramedDrawing:
    """The document of the frame, compressed, and the policy that it must be served with."""

    packed: bytes
    policy: str


def own_module(environment: str) -> str | None:
    """The static path of the drawing that this project wrote for the environment, if it did."""
    path = f"games/{environment}/{environment}.js"
    return path if finders.find(path) else None


@lru_cache(maxsize=KEPT)
def framed(environment: str) -> FramedDrawing | None:
    """The drawing that an environment from elsewhere brings; None where there is nothing to frame.

    A viewer whose scripts stand on another host cannot run: the frame has no network.
    """
    if own_module(environment) or environment not in evaluation.environments:
        return None
    drawing = rendering.drawing_of(evaluation.make(environment))
    if not drawing.strip() or player.is_remote(drawing):
        return None
    frame = player.frame(drawing)
    return FramedDrawing(gzip.compress(frame.document.encode()), f"{frame.policy}; {SANDBOX}")
