"""Where two JSON values first differ, and how to say so."""

import json
from dataclasses import dataclass
from math import isclose
from typing import Any

BANK, BANK_TOLERANCE_S = "remainingOverageTime", 1e-6  # clocks are kept to the microsecond
VALUE_LENGTH = 60


class Missing:
    """Stands for what one of two values lacks."""

    def __repr__(self) -> str:
        return "missing"


MISSING = Missing()


@dataclass(frozen=True)
class Difference:
    """Where a replay and the episode played again first part; as text, a sentence.

    path: the place in the seat's state, or in the whole replay where step is None. recorded,
    played: what stands there, or MISSING. step, seat: from 0. reason: the sentence, where the
    two values alone would not tell.
    """

    path: str
    recorded: Any
    played: Any
    step: int | None = None
    seat: int | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        recorded, played = shortened(self.recorded), shortened(self.played)
        return self.reason or (
            f"{self.path} is {recorded} in the replay, {played} when played again."
        )

    def __str__(self) -> str:
        places = [] if self.step is None else [f"step {self.step}"]
        places += [] if self.seat is None else [f"seat {self.seat + 1}"]
        place = f"{', '.join(places).capitalize()}: " if places else ""
        return place + self.sentence


def shortened(value: Any) -> str:
    text = repr(value) if value is MISSING else json.dumps(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"


def first_difference(recorded: Any, played: Any, path: str = "") -> Difference | None:
    """The first place where these JSON values differ; 1 and 1.0 are the same number."""
    if isinstance(recorded, dict) and isinstance(played, dict):
        start = f"{path}." if path else ""
        pairs = [(f"{start}{key}", key) for key in {**recorded, **played}]
        return _first(recorded.get, played.get, pairs)
    if isinstance(recorded, list) and isinstance(played, list):
        pairs = [(f"{path}[{index}]", index) for index in range(max(len(recorded), len(played)))]
        return _first(_item_of(recorded), _item_of(played), pairs)
    return None if _same(recorded, played, path) else Difference(path, recorded, played)


def _first(recorded: Any, played: Any, places: Any) -> Difference | None:
    for path, key in places:
        found = first_difference(recorded(key, MISSING), played(key, MISSING), path)
        if found:
            return found
    return None


def _item_of(items: list[Any]) -> Any:
    return lambda index, default: items[index] if index < len(items) else default


def _same(recorded: Any, played: Any, path: str) -> bool:
    if isinstance(recorded, bool) or isinstance(played, bool):
        return recorded is played
    if (
        path.endswith(BANK)
        and isinstance(recorded, int | float)
        and isinstance(played, int | float)
    ):
        return isclose(recorded, played, abs_tol=BANK_TOLERANCE_S)
    return bool(recorded == played)
