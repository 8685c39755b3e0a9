"""The schema of what an evaluation worker sends back. A result is data from another trust zone."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from django.conf import settings
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from evaluation import replay
from evaluation.verdict import ADVICE, DETAIL_CHARS, MESSAGE_CHARS


def storable(text: str) -> str:
    """Databases refuse NUL and half characters."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


Text = Annotated[str, AfterValidator(storable)]
Finite = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]  # sums stay finite, too
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Score = Annotated[float, Field(ge=0, le=1)]
Status = Literal["ACTIVE", "INACTIVE", "DONE", "ERROR", "INVALID", "TIMEOUT"]
PATH = re.compile(r"(?<![\w.])(/[\w.@+-]+){2,}/?")
MAX_SEATS = 16
MAX_ID = 2**63 - 1


def without_paths(text: str) -> str:
    """Where our machine keeps things is nobody's business: reasons stand on public pages."""
    return PATH.sub("…", text)


class ResultError(Exception):
    """The message is not a result; it is dropped, and the sweeper deals with its attempt."""


Reason = Annotated[Text, AfterValidator(without_paths), Field(max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class VerdictData(_Strict):
    code: str
    message: Annotated[Text, Field(max_length=MESSAGE_CHARS)]
    detail: Annotated[Text, Field(max_length=DETAIL_CHARS)] = ""
    reason: Annotated[str, Field(pattern=r"^[a-z_]{0,32}$")] = ""

    @field_validator("code")
    @classmethod
    def is_known(cls, code: str) -> str:
        if code not in ADVICE:
            raise ValueError(f"unknown verdict {code!r}")
        return code


class Rejected(_Strict):
    """An upload that could not be unpacked: no episode was played."""

    sha256: Text
    verdict: VerdictData


class LogEntry(_Strict):
    """What an agent printed at a step, and what the step cost it: `seconds` of its clock, and
    where they are known wall and processor time, the wait for the machine, and what an agent
    behind a URL says that it thought."""

    step: Count = 0
    stdout: str = ""
    stderr: str = ""
    seconds: Seconds = 0.0
    bank_left: Finite | None = None
    wall: Seconds | None = None
    cpu: Seconds | None = None
    delay: Seconds | None = None
    think: Seconds | None = None


class Logs(_Strict):
    seats: Annotated[list[list[LogEntry]], Field(max_length=MAX_SEATS)]


class EpisodeOutcome(_Strict):
    statuses: Annotated[list[Status], Field(min_length=1, max_length=MAX_SEATS)]
    rewards: list[Finite | None]
    scores: list[Score]
    verdicts: list[VerdictData | None]
    overage: list[Finite | None]
    slowest: list[Seconds]
    seconds: Seconds
    steps: Count
    cause: Annotated[Text, Field(max_length=300)]
    replay: str
    logs: str
    overloaded: bool = False
    level: Literal["", "none", "A", "B", "C"] = ""
    cpu: list[Seconds | None] = []
    delay: list[Seconds | None] = []
    spent: list[Seconds] = []

    @field_validator("replay", "logs")
    @classmethod
    def is_packed(cls, text: str) -> str:
        unpacked(text)
        return text

    @field_validator("logs")
    @classmethod
    def are_logs(cls, text: str) -> str:
        Logs.model_validate_json(unpacked(text))
        return text

    def has_seats(self, count: int) -> bool:
        lists: tuple[list[Any], ...] = (
            self.statuses, self.rewards, self.scores, self.verdicts, self.overage, self.slowest
        )  # fmt: skip
        timed = all(len(values) in {0, count} for values in (self.cpu, self.delay, self.spent))
        return timed and all(len(values) == count for values in lists)


class Sender(BaseModel):
    """Whose result it is; more may stand beside."""

    attempt: Annotated[int, Field(ge=1, le=MAX_ID, strict=True)]
    token: Annotated[Text, Field(max_length=64, strict=True)]


class Outcome(_Strict, Sender):
    worker: Annotated[Text, Field(max_length=120)] = ""
    repeated: bool = False
    put_back: Reason = ""
    fault: Reason = ""
    rejected: Rejected | None = None
    episodes: Annotated[list[EpisodeOutcome], Field(max_length=MAX_SEATS)] = []


def unpacked(text: str) -> bytes:
    """What is inside base64 and compression, all of it and not more than is read later."""
    if len(text) > settings.REPLAY_MAX_BYTES * 4 // 3 + 4:
        raise ValueError("too large")
    try:
        packed = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    return replay.unpack(packed, settings.REPLAY_MAX_UNPACKED_BYTES)


def sender_of(raw: Any) -> Sender | None:
    """Of a message that may be malformed otherwise."""
    try:
        return Sender.model_validate(raw)
    except ValidationError:
        return None


def parse(raw: Any) -> Outcome:
    try:
        return Outcome.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "result"
        raise ResultError(f"{place}: {first['msg']}") from None
