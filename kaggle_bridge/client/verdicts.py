"""What an error of Kaggle's client means to the bridge, judged by what really happened.

Runs in the client's process only.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from kaggle_bridge.backend import (
    LOOK,
    BackendError,
    NoAccess,
    NoQuota,
    NotNow,
    Refused,
    Trouble,
    Unsure,
)
from kaggle_bridge.client.pace import NotYet
from kaggle_bridge.client.transport import Transport, causes, error_of, never_left

Clean = Callable[[str], str]  # takes secrets out of a text
LONGEST_WORDS = 300
LONGEST_RETRY_AFTER_S = 3600.0
NO_QUOTA = re.compile(
    r"session count|(accelerator|gpu|tpu|weekly|compute) (time )?quota"
    r"|quota .{0,30}(gpu|tpu|accelerator|week)|no (gpu|tpu) (time|hours)",
    re.IGNORECASE,
)


class Denied(BackendError):
    """403 or 404: there is no such thing, or the credentials are not good for it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def judge(error: BaseException, transport: Transport) -> BackendError:
    chain = list(causes(error))
    for each in chain:
        if isinstance(each, BackendError):
            return each
        if isinstance(each, NotYet):
            return NotNow(each.message, each.retry_after_s)
    for each in chain:
        if isinstance(each, requests.HTTPError) and each.response is not None:
            return of_response(each.response, transport.may_have_happened, transport.clean)
    if isinstance(error, requests.RequestException):
        return _of_network(error, transport.may_have_happened)
    return _of_client(error, transport)


def of_response(
    response: requests.Response, may_have_happened: bool = False, clean: Clean = str
) -> BackendError:
    """may_have_happened: whether it may be the answer to something that has an effect."""
    status, said = response.status_code, words(response, clean)
    if status == 401:
        return NoAccess(
            "Kaggle does not take the credentials (401): wrong, revoked or expired. Renew them."
        )
    if NO_QUOTA.search(said):
        return NoQuota(f"Kaggle has nothing left for it: {said}")
    if status == 429:
        return Trouble(f"Kaggle asks to wait (429): {said}", retry_after_s(response))
    if status in (403, 404):
        return Denied(f"Kaggle says no ({status}): {said}", status)
    if status < 500 and status != 408:
        return Refused(f"Kaggle refuses it ({status}): {said}")
    if may_have_happened:
        return Unsure(f"Kaggle failed ({status}): {said.rstrip('.')}. {LOOK}")
    return Trouble(f"Kaggle failed ({status}): {said}", retry_after_s(response))


def refusal(text: str, clean: Clean = str) -> BackendError:
    """What an answer says in its field `error`, beside a status that tells of no error."""
    said = _short(clean(text))
    if NO_QUOTA.search(said):
        return NoQuota(f"Kaggle has nothing left for it: {said}")
    return Refused(f"Kaggle refuses it: {said}")


def words(response: requests.Response, clean: Clean) -> str:
    """The service's own, short; of a page made for people, only the status.

    Cleaned before it is cut: half of a secret would not be known again.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    said = error_of(body).get("message") or error_of(body).get("error")
    own = said if isinstance(said, str) and said.strip() else response.reason
    return _short(clean(own or "")) or "no reason given"


def retry_after_s(response: requests.Response) -> float:
    text = response.headers.get("Retry-After", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text)
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S) if seconds == seconds else 0.0


def _until(text: str) -> float:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds()


def _of_network(error: requests.RequestException, may_have_happened: bool) -> BackendError:
    if may_have_happened:
        return Unsure(f"The answer of Kaggle was lost ({_kind(error)}). {LOOK}")
    return Trouble(f"Kaggle cannot be reached: {_kind(error)}.")


def _kind(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate was not accepted"
    if isinstance(error, requests.exceptions.ProxyError) and never_left(error):
        return "the proxy does not let us through"
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return "the answer was not JSON"
    return "no connection" if never_left(error) else "the connection broke"


def _of_client(error: BaseException, transport: Transport) -> BackendError:
    """Nothing that came over the network."""
    if isinstance(error, ImportError):
        return Trouble(f"Kaggle's client lacks {error.name}: install requirements.txt again.")
    if isinstance(error, SystemExit):
        return NoAccess("Kaggle's client found no credentials that it takes.")
    if transport.may_have_happened:
        return Unsure(f"The answer of Kaggle was not understood. {LOOK}")
    if isinstance(error, ValueError) and not transport.calls:
        return Refused(f"Kaggle's client refuses it: {_short(transport.clean(str(error)))}")
    if isinstance(error, OSError):
        return Trouble(f"A file could not be read or written: {error.strerror or 'no reason'}.")
    return Trouble(f"The answer of Kaggle was not understood ({type(error).__name__}).")


def _short(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"
