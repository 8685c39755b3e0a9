"""Faults that a test orders: which call goes wrong, how, how often, before or after its effect."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.kaggle_service.answers import Answer, error_answer, json_answer

HTML = b"<html><body><h1>503 Service Unavailable</h1></body></html>"


@dataclass
class Fault:
    """call: as in the protocol, or Upload, Download, LogStream. account, name: only theirs.

    when: `before` the call has had its effect (which then does not happen) or `after` it.
    seconds: of a silence, or what Retry-After says. skip: so many matching calls pass first.
    name: the file in question; of Download and `missing-file`. message: instead of the usual one.
    echoes: it repeats who has asked and how, credentials and all, in its headers and its message.
    hits: how often it has struck.
    """

    call: str
    kind: str
    times: int = 1
    when: Literal["before", "after"] = "before"
    seconds: float = 0.0
    account: str = ""
    name: str = ""
    message: str = ""
    skip: int = 0
    echoes: bool = False
    hits: int = 0

    @property
    def is_spent(self) -> bool:
        return self.hits >= self.times


def _limited(fault: Fault) -> Answer:
    return _with_retry(error_answer(429, fault.message or "Too many requests"), fault)


def _limited_nested(fault: Fault) -> Answer:
    body = {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}
    return _with_retry(Answer(429, json.dumps(body).encode()), fault)


def _with_retry(answer: Answer, fault: Fault) -> Answer:
    if fault.seconds:
        answer.headers["Retry-After"] = f"{fault.seconds:g}"
    return answer


def _error(status: int, message: str) -> Callable[[Fault], Answer]:
    return lambda fault: error_answer(status, fault.message or message)


def _error_in_200(fault: Fault) -> Answer:
    """As SaveKernel and CreateDataset refuse."""
    return json_answer({"error": fault.message or "Something is wrong", "status": "error"})


# These stand in for the answer.
REFUSALS: dict[str, Callable[[Fault], Answer]] = {
    "429": _limited,
    "429-nested": _limited_nested,
    "500": _error(500, "Internal error"),
    "503": lambda fault: Answer(503, HTML, {"Content-Type": "text/html"}),
    "401": _error(401, "Unauthenticated"),
    "403": _error(403, "Permission was denied"),
    "404": _error(404, "Not found"),
    "not-json": lambda fault: Answer(200, HTML),
    "error-in-200": _error_in_200,
}
WHO = ("authorization", "proxy-authorization")


def refusal(fault: Fault, headers: dict[str, str]) -> Answer:
    """What stands in for the answer to a request with these headers."""
    if not fault.echoes:
        return REFUSALS[fault.kind](fault)
    told = "; ".join(f"{name}: {headers[name]}" for name in WHO if name in headers)
    answer = REFUSALS[fault.kind](replace(fault, message=f"{fault.message}{told}"))
    answer.headers["X-Request"] = told
    return answer


# No answer comes. `lost`: the effect has happened; `reset`: as `when` says.
SILENCES = ("hang", "reset", "lost")
# The call itself goes another way. `half`: so much of an upload is kept, then 503.
# `unkept-dataset`: as if all were well, but no version comes to be (a full account does that).
COURSES = ("slow", "invalid-source", "failed-dataset", "unkept-dataset", "half")


def _without_file(answer: Answer, fault: Fault) -> None:
    name = fault.name or "manifest.json"
    files = json.loads(answer.body)["files"]
    _told(answer, files=[file for file in files if file["fileName"] != name])


def _without_log(answer: Answer, fault: Fault) -> None:
    _told(answer, log="")


def _with_unknown_status(answer: Answer, fault: Fault) -> None:
    _told(answer, status="PONDERING")


def _without_status(answer: Answer, fault: Fault) -> None:
    body = json.loads(answer.body)
    del body["status"]
    answer.body = json.dumps(body).encode()


def _told(answer: Answer, **fields: Any) -> None:
    answer.body = json.dumps(json.loads(answer.body) | fields).encode()


def _with_version(answer: Answer, fault: Fault) -> None:
    answer.headers["X-Kaggle-APIVersion"] = "99.0.0"


def _truncated(answer: Answer, fault: Fault) -> None:
    """Half of what Content-Length promises, then the end."""
    answer.cut_at = len(answer.body) // 2


def _short(answer: Answer, fault: Fault) -> None:
    """Half of it as if that were all: no client notices."""
    answer.body = answer.body[: len(answer.body) // 2]


def _corrupt(answer: Answer, fault: Fault) -> None:
    middle = len(answer.body) // 2
    flipped = bytes([answer.body[middle] ^ 0xFF]) if answer.body else b"?"
    answer.body = answer.body[:middle] + flipped + answer.body[middle + 1 :]


# The call goes its way; its answer is changed.
CHANGES: dict[str, Callable[[Answer, Fault], None]] = {
    "missing-file": _without_file,
    "no-log": _without_log,
    "unknown-status": _with_unknown_status,
    "no-status": _without_status,
    "version-header": _with_version,
    "truncated": _truncated,
    "short": _short,
    "corrupt": _corrupt,
}
KINDS = {*REFUSALS, *SILENCES, *COURSES, *CHANGES}


@dataclass
class Faults:
    orders: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, call: str, kind: str, times: int = 1,
        when: Literal["before", "after"] = "before", *, seconds: float = 0.0,
        account: str = "", name: str = "", message: str = "", skip: int = 0, echoes: bool = False,
    ) -> Fault:  # fmt: skip
        """Of several that match a call the oldest strikes."""
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(sorted(KINDS))}")
        if kind == "lost":
            when = "after"
        fault = Fault(call, kind, times, when, seconds, account, name, message, skip, echoes)
        with self.lock:
            self.orders.append(fault)
        return fault

    def take(self, call: str, account: str, name: str) -> Fault | None:
        with self.lock:
            for fault in self.orders:
                if _matches(fault, call, account, name):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.hits += 1
                    return fault
        return None

    def clear(self) -> None:
        with self.lock:
            self.orders.clear()

    @property
    def pending(self) -> list[Fault]:
        return [fault for fault in self.orders if not fault.is_spent]


def _matches(fault: Fault, call: str, account: str, name: str) -> bool:
    if fault.is_spent or fault.call != call:
        return False
    if fault.account and fault.account != account:
        return False
    return call != "Download" or fault.name in ("", name)
