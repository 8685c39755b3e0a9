"""What a session is told to do: plain data, JSON in and out."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from training.errors import Refused


@dataclass(frozen=True)
class Resume:
    """The checkpoint to go on from; sha256 of the whole file."""

    step: int
    sha256: str


@dataclass(frozen=True)
class Order:
    """One session of a run.

    config: the whole configuration, as JSON has it. accelerator: cpu, gpu or tpu. session_s: what
    the place allows, in seconds. wanted: steps, ascending, of each the first regular checkpoint at
    or after it. source_hash: of the code that is sent along.
    """

    run: int
    session: int
    token: str
    config: Mapping[str, Any]
    accelerator: str
    session_s: int
    resume: Resume | None = None
    wanted: tuple[int, ...] = ()
    source_hash: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def load(text: str) -> Order:
    """Raises Refused for what no version of ours has written."""
    try:
        data = json.loads(text)
        resume = data.pop("resume")
        wanted = tuple(data.pop("wanted"))
        return Order(**data, resume=resume and Resume(**resume), wanted=wanted)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused("The order of this session cannot be read.") from None
