"""Between Kaggle's client and the network: time limits, slots, and whether a request has left.

Runs in the client's process only. The client itself sets no time limit, and tells too little of
what went wrong: that is noted here, where the requests leave.
"""

import re
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.retry import Retry

from kaggle_bridge.client.pace import Pace

# What changes something, and is not the same when it is done twice.
EFFECTS = frozenset({"SaveKernel", "CreateDataset", "CreateDatasetVersion"})
API = re.compile(r"/v1/(?:[\w.]+Service/(?P<call>\w+)$|kernels/logs/)")
CONNECT_S = 10.0
NEVER_LEFT = (
    NewConnectionError,
    ConnectTimeoutError,
    requests.ConnectTimeout,
    requests.exceptions.InvalidURL,
    ssl.SSLCertVerificationError,
)
Send = Callable[..., requests.Response]


class Transport:
    """until: monotonic; no request begins later. mark: a file that exists from the moment when
    an effect may have happened until it is known that it has not. clean: takes secrets out.
    """

    def __init__(
        self,
        pace: Pace,
        until: float,
        read_s: float,
        mark: Path,
        clean: Callable[[str], str] = str,
    ) -> None:
        self.pace = pace
        self.clean = clean
        self.until = until
        self.read_s = read_s
        self.mark = mark
        self.calls = 0
        self.body: Any = None  # of the last answer of the API, where it was JSON

    @property
    def may_have_happened(self) -> bool:
        return self.mark.exists()

    def install(self) -> None:
        """All sessions of this process go through here from now on."""
        original: Send = requests.Session.send

        def send(session: requests.Session, request: Any, **options: Any) -> requests.Response:
            options["timeout"] = options.get("timeout") or (CONNECT_S, self.read_s)
            # Each try is ours: one slot, one record.
            session.get_adapter(request.url).max_retries = Retry(0, read=False)  # type: ignore[attr-defined]
            matched = API.search(urlsplit(request.url).path)
            if not matched:
                return original(session, request, **options)
            self.pace.take(self.until - time.monotonic())
            return self._speak(original, session, request, matched["call"] in EFFECTS, options)

        setattr(requests.Session, "send", send)  # noqa: B010

    def _speak(
        self, original: Send, session: requests.Session, request: Any, effect: bool, options: Any
    ) -> requests.Response:
        self.calls += 1
        self.body = None
        if effect:
            self.mark.touch()
        try:
            response = original(session, request, **options)
        except (requests.RequestException, OSError) as error:
            if effect and never_left(error):
                self.mark.unlink()
            raise
        if not options.get("stream"):
            self._understand(response)
        if effect and 400 <= response.status_code < 500:
            self.mark.unlink()
        return response

    def _understand(self, response: requests.Response) -> None:
        """An error that the body tells counts as the answer's status, whatever that says."""
        try:
            self.body = response.json()
        except ValueError:
            return
        code = error_of(self.body).get("code")
        if isinstance(code, int) and code >= 400:
            response.status_code = code


def error_of(body: Any) -> dict[str, Any]:
    """What a body tells of an error: flat, or nested as in {"error": {"code": 429, …}}."""
    if not isinstance(body, dict):
        return {}
    nested = body.get("error")
    return nested if isinstance(nested, dict) else body


def never_left(error: BaseException) -> bool:
    """Certainly. A ProxyError says nothing: a lost answer is one, too, where a proxy is used."""
    return any(isinstance(each, NEVER_LEFT) or _is_shut_tunnel(each) for each in causes(error))


def _is_shut_tunnel(error: BaseException) -> bool:
    """As http.client puts it where a proxy does not let us through to the service."""
    return isinstance(error, OSError) and str(error).startswith("Tunnel connection failed")


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was raised from or holds; libraries nest them in several ways."""
    found: list[Any] = [error]
    for each in found:
        inner = (
            each.__cause__, each.__context__, *each.args,
            getattr(each, "reason", None), getattr(each, "original_error", None),
        )  # fmt: skip
        found += [more for more in inner if isinstance(more, BaseException) and more not in found]
    yield from found
