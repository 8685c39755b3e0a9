"""Requests and answers, between the sockets and the calls."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.kaggle_service.accounts import Caller

if TYPE_CHECKING:
    from tests.kaggle_service.faults import Fault


@dataclass
class Answer:
    """cut_at: after so many bytes the connection ends. stream: sent piece by piece instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    stream: Iterable[bytes] | None = None

    def __post_init__(self) -> None:
        self.headers.setdefault("Content-Type", "application/json")


@dataclass
class Request:
    """call: as the protocol names it. name: of the file in question. json: of its body."""

    method: str
    call: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    caller: Caller
    name: str = ""
    json: dict[str, Any] = field(default_factory=dict)
    fault: "Fault | None" = None

    def has(self, kind: str) -> bool:
        return self.fault is not None and self.fault.kind == kind


def json_answer(value: Any) -> Answer:
    return Answer(200, json.dumps(value).encode())


def error_answer(status: int, message: str) -> Answer:
    return Answer(status, json.dumps({"code": status, "message": message}).encode())
