"""A random stream of a game's own, so that its episode follows from seed and actions alone."""

import random
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any


class Chance:
    """Calls a function with the global generators of `random` and NumPy set to its own stream."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._state = random.Random(seed).getstate()
        self._numpy_state: Any = None

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return partial(self._call, function)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        numpy = sys.modules.get("numpy.random")
        outer, outer_numpy = random.getstate(), numpy and numpy.get_state()
        random.setstate(self._state)
        if numpy:
            own = self._numpy_state or numpy.RandomState(self._seed % 2**32).get_state()
            numpy.set_state(own)
        try:
            return function(*arguments)
        finally:
            self._state = random.getstate()
            random.setstate(outer)
            if numpy:
                self._numpy_state = numpy.get_state()
                numpy.set_state(outer_numpy)


def own_chance(info: Mapping[str, Any], step: int = 0) -> Chance | None:
    """A stream from the seed where `info.chance` is "seeded"; else the global one is drawn."""
    seed = info.get("seed")
    if info.get("chance") == "seeded" and isinstance(seed, int):
        return Chance(seed + step)
    return None
