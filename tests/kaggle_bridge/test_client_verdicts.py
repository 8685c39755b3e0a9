"""What an answer that is an error means, by its status and words."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

from kaggle_bridge.backend import (
    BackendError,
    NoAccess,
    NoQuota,
    Refused,
    Stage,
    Trouble,
    Unsure,
)
from kaggle_bridge.client import downloads, protocol
from kaggle_bridge.client.credentials import Credentials
from kaggle_bridge.client.pace import Pace
from kaggle_bridge.client.transport import Transport, never_left
from kaggle_bridge.client.verdicts import Denied, judge, of_response, refusal, retry_after_s

HTML = b"<html><script>long page</script></html>"


def answer(status: int, body: object = None, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.reason = "A reason"
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response.headers.update(headers)
    return response


def flat(message: str, status: int) -> dict[str, object]:
    return {"code": status, "message": message}


@pytest.mark.parametrize(
    ("status", "body", "read", "change"),
    [
        (401, None, NoAccess, NoAccess),
        (403, flat("denied", 403), Denied, Denied),
        (404, flat("not found", 404), Denied, Denied),
        (400, flat("bad title", 400), Refused, Refused),
        (408, None, Trouble, Unsure),
        (409, flat("conflict", 409), Refused, Refused),
        (429, None, Trouble, Trouble),
        (429, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, Trouble, Trouble),
        (429, {"error": {"message": "Quota exceeded for metric"}}, Trouble, Trouble),
        (429, {"error": {"message": "Weekly GPU quota exceeded"}}, NoQuota, NoQuota),
        (400, flat("Maximum batch GPU session count of 2 reached.", 400), NoQuota, NoQuota),
        (403, flat("Accelerator Quota Exceeded", 403), NoQuota, NoQuota),
        (500, None, Trouble, Unsure),
        (502, HTML, Trouble, Unsure),
        (504, HTML, Trouble, Unsure),
    ],
)
def test_status_and_words_decide(
    status: int, body: object, read: type[BackendError], change: type[BackendError]
) -> None:
    assert type(of_response(answer(status, body))) is read
    assert type(of_response(answer(status, body), may_have_happened=True)) is change


def test_page_made_for_people_is_no_sentence() -> None:
    assert "script" not in of_response(answer(502, HTML)).message
    long = of_response(answer(400, flat("x\n" * 1000, 400))).message
    assert len(long) < 400
    assert "\n" not in long


def test_a_secret_is_taken_out_before_a_sentence_is_cut() -> None:
    clean = Credentials("alice", key="0123456789abcdef").scrub
    for length in range(260, 300):
        said = "." * length + "0123456789abcdef"
        assert "0123" not in of_response(answer(400, flat(said, 400)), clean=clean).message
        assert "0123" not in refusal(said, clean).message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Maximum batch CPU session count of 5 reached.", NoQuota),
        ("Accelerator Quota Exceeded: no GPU time is left", NoQuota),
        ("You have exceeded your weekly TPU quota", NoQuota),
        ("Your quota for GPU is used up", NoQuota),
        ("Notebook not found", Refused),
        ('The requested title "x" is already in use', Refused),
    ],
)
def test_words_of_a_refusal_tell_quota_from_the_rest(text: str, kind: type[BackendError]) -> None:
    assert type(refusal(text)) is kind


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7.0), ("7.5", 7.5), ("-3", 0.0), ("1e9", 3600.0), ("soon", 0.0), ("nan", 0.0), ("", 0)],
)
def test_retry_after_is_bounded(told: str, seconds: float) -> None:
    assert retry_after_s(answer(429, **{"Retry-After": told})) == seconds


def test_retry_after_may_be_a_date() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < retry_after_s(answer(429, **{"Retry-After": then})) <= 60


def transport(folder: Path) -> Transport:
    return Transport(Pace(folder, 5), 0.0, 1.0, folder / "sent")


def refused_connection() -> requests.ConnectionError:
    inner = NewConnectionError(None, "refused")  # type: ignore[arg-type]
    return requests.ConnectionError(MaxRetryError(None, "/", inner))  # type: ignore[arg-type]


def through_proxy(error: Exception) -> requests.exceptions.ProxyError:
    inner = MaxRetryError(None, "/", ProxyError("no", error))  # type: ignore[arg-type]
    return requests.exceptions.ProxyError(inner)


def test_only_what_certainly_did_not_leave_did_not_happen() -> None:
    assert never_left(refused_connection())
    shut = OSError("Tunnel connection failed: 407")
    assert never_left(through_proxy(shut))
    assert not never_left(through_proxy(ConnectionResetError()))
    assert never_left(requests.ConnectTimeout("late"))
    assert not never_left(requests.ReadTimeout("late"))
    assert not never_left(requests.ConnectionError(ConnectionResetError()))


def test_answer_hidden_behind_a_value_error_is_found(tmp_path: Path) -> None:
    hiding = ValueError("Cannot access kernel: wrong slug")
    hiding.__context__ = requests.HTTPError("no", response=answer(401))
    assert type(judge(hiding, transport(tmp_path))) is NoAccess


def test_errors_without_an_answer(tmp_path: Path) -> None:
    between = transport(tmp_path)
    assert type(judge(SystemExit(1), between)) is NoAccess
    missing = judge(ModuleNotFoundError("No module named 'six'", name="six"), between)
    assert missing.message == "Kaggle's client lacks six: install requirements.txt again."
    assert type(judge(ValueError("Title too short"), between)) is Refused
    assert type(judge(OSError(28, "No space left on device"), between)) is Trouble
    assert "No space left" in judge(OSError(28, "No space left on device"), between).message
    between.calls = 1
    assert type(judge(ValueError("Expecting value"), between)) is Trouble
    between.mark.touch()
    for error in (ValueError("x"), KeyError("x"), requests.ReadTimeout("x")):
        assert type(judge(error, between)) is Unsure


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "a\0b", ".."])
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(Refused):
        downloads.checked_name(name)
    assert downloads.checked_name("checkpoints/./a.bin") == "checkpoints/a.bin"


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("cancelAcknowledged", Stage.CANCELLED),
        ("CANCEL_REQUESTED", Stage.RUNNING),
        ("KERNEL_WORKER_STATUS_COMPLETE", Stage.COMPLETE),
        ("new_script", Stage.QUEUED),
        ("ing", Stage.UNKNOWN),
        ("7", Stage.UNKNOWN),
    ],
)
def test_words_of_a_state_come_in_several_forms(word: str, stage: Stage) -> None:
    assert protocol.stage(word) == stage
