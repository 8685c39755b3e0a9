"""The schema of what an evaluation worker sends back. A result is data from another trust zone."""

import base64
import binascii
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from evaluation.verdict import ADVICE, DETAIL_CHARS, MESSAGE_CHARS

Finite = Annotated[float, Field(allow_inf_nan=False)]
Score = Annotated[float, Field(ge=0, le=1)]
Status = Literal["ACTIVE", "INACTIVE", "DONE", "ERROR", "INVALID", "TIMEOUT"]
MAX_SEATS = 16


class ResultError(Exception):
    """The message is not a result; it is dropped, and the sweeper deals with its attempt."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class VerdictData(_Strict):
    code: str
    message: Annotated[str, Field(max_length=MESSAGE_CHARS)]
    detail: Annotated[str, Field(max_length=DETAIL_CHARS)] = ""

    @field_validator("code")
    @classmethod
    def is_known(cls, code: str) -> str:
        if code not in ADVICE:
            raise ValueError(f"unknown verdict {code!r}")
        return code


class Rejected(_Strict):
    """An upload that could not be unpacked: no episode was played."""

    sha256: str
    verdict: VerdictData


class EpisodeOutcome(_Strict):
    statuses: Annotated[list[Status], Field(min_length=1, max_length=MAX_SEATS)]
    rewards: list[Finite | None]
    scores: list[Score]
    verdicts: list[VerdictData | None]
    overage: list[Finite | None]
    slowest: list[Finite]
    seconds: Finite
    steps: Annotated[int, Field(ge=0)]
    cause: Annotated[str, Field(max_length=300)]
    replay: str
    logs: str

    @field_validator("replay", "logs")
    @classmethod
    def is_bounded_base64(cls, text: str) -> str:
        if len(text) > settings.REPLAY_MAX_BYTES * 4 // 3 + 4:
            raise ValueError("too large")
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("not base64") from None
        return text

    def has_seats(self, count: int) -> bool:
        lists: tuple[list[Any], ...] = (
            self.statuses, self.rewards, self.scores, self.verdicts, self.overage, self.slowest
        )  # fmt: skip
        return all(len(values) == count for values in lists)


class Outcome(_Strict):
    attempt: int
    token: Annotated[str, Field(max_length=64)]
    worker: Annotated[str, Field(max_length=120)] = ""
    repeated: bool = False
    no_box: Annotated[str, Field(max_length=300)] = ""
    fault: Annotated[str, Field(max_length=300)] = ""
    rejected: Rejected | None = None
    episodes: Annotated[list[EpisodeOutcome], Field(max_length=MAX_SEATS)] = []


def parse(raw: Any) -> Outcome:
    try:
        return Outcome.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "result"
        raise ResultError(f"{place}: {first['msg']}") from None
