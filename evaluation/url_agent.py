"""An agent behind a URL. Whatever goes wrong on the way is its fault; no move is made up for it."""

import functools
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson

from evaluation import addresses, exchange
from evaluation.agent import Log
from evaluation.channel import ExchangeError, Target, TooSlow
from evaluation.errors import DeadlineExceeded
from evaluation.sandbox import wire
from evaluation.sandbox.errors import AgentFailed
from evaluation.sandbox.limits import Limits
from evaluation.verdict import Verdict

MAX_URL = 2000
# What the http-server of kaggle-environments answers in place of an action.
LATE = "DeadlineExceeded"
RAISED = "BaseException::"

ANSWERS_BYTES = Limits.answers_bytes
Signer = Callable[[bytes], dict[str, str]]


def check_url(url: str) -> Target:
    """The parts of a URL that an agent may have. Raises ValueError with one sentence."""
    if len(url) > MAX_URL or not re.fullmatch(r"[\x21-\x7e]*", url):
        raise ValueError("The URL is too long or contains characters that must be escaped.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("The URL cannot be read: check its host and port.") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("The URL must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise ValueError("The URL must not contain a user name or password.")
    if not addresses.HOST.fullmatch(parts.hostname or "") or port == 0:
        raise ValueError("The URL needs a host of letters, digits, dots and hyphens.")
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(str(parts.hostname), port or (443 if is_tls else 80), path, is_tls)


class UrlAgent:
    """Asks a server for each action. allow: `host:port` or `network[:port]` besides global ones.

    resolve: name to addresses, in place of the system's resolver; asked once an episode.
    signer: gives the headers that tell the server who asks for the body; see SigningKey.
    """

    load_seconds = 0.0

    def __init__(
        self,
        url: str,
        *,
        environment: str = "",
        allow: Sequence[str] = (),
        resolve: addresses.Resolve | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.target = check_url(url)
        self.environment = environment
        self.verdict: Verdict | None = None
        self.answered: Any = None  # the action it returned last
        self._allowed = [addresses.Allowed.parse(entry) for entry in allow]
        self._resolve = resolve or addresses.look_up
        self._signer = signer
        self._addresses: list[str] = []
        self._received = 0  # bytes of answers, over the episode

    def act(
        self, observation: dict[str, Any], configuration: dict[str, Any], deadline_s: float
    ) -> tuple[Any, Log]:
        """The action, or an exception in its place once anything has failed.

        Its log has the round trip as `duration` and `wall`, and as `think` the seconds that the
        server says its agent took, where they fit into the round trip.
        """
        started = time.monotonic()
        action, think = self._attempt(observation, configuration, started + deadline_s)
        self.answered = None if self.verdict else action
        seconds = time.monotonic() - started
        log: Log = {"duration": seconds, "wall": seconds, "stdout": "", "stderr": ""}
        if self.verdict:
            log["stderr"] = f"{self.verdict.message}\n"
        if think is not None and think <= seconds:
            log["think"] = think
        return action, log

    def _attempt(
        self, observation: dict[str, Any], configuration: dict[str, Any], deadline: float
    ) -> tuple[Any, float | None]:
        if self.verdict:
            return AgentFailed(self.verdict), None
        question = {
            "action": "act",
            "configuration": configuration,
            "environment": self.environment,
            "state": {"observation": observation},
        }
        try:
            answer = self._exchange(orjson.dumps(question), deadline)
            self._count(answer)
            return _action(answer.body), answer.think
        except ExchangeError as error:
            message = str(error)
            self.verdict = Verdict("network_failure", message, error.detail, error.reason)
            is_late = isinstance(error, TooSlow)
            return DeadlineExceeded(message) if is_late else AgentFailed(self.verdict), None

    def _exchange(self, body: bytes, deadline: float) -> exchange.Answer:
        if not self._addresses:
            self._addresses = self._look_up(deadline)
        signature = self._signer(body) if self._signer else {}
        return exchange.post(self.target, self._addresses, body, deadline, signature)

    def _count(self, answer: exchange.Answer) -> None:
        """A replay keeps all actions of an episode."""
        self._received += len(answer.body)
        if self._received > ANSWERS_BYTES:
            raise ExchangeError(
                "too_large", f"The server's answers of one episode are over {ANSWERS_BYTES} bytes."
            )

    def _look_up(self, deadline: float) -> list[str]:
        """Every address must be permitted, so that no second look-up can change the target."""
        found = _within(deadline, functools.partial(self._resolve, self.target.host))
        if not found:
            raise ExchangeError(
                "unresolved", "The name of the agent's server cannot be resolved to an address."
            )
        host, port = self.target.host, self.target.port
        if not all(addresses.is_permitted(one, host, port, self._allowed) for one in found):
            raise ExchangeError(
                "forbidden_address",
                "The agent's server is not at a public address; only the organiser allows others.",
            )
        return found


def _action(body: bytes) -> Any:
    """The action in the body of an answer. Raises ExchangeError."""
    try:
        answer = wire.loads(body)
    except wire.BadValue as error:
        raise ExchangeError(
            "not_json",
            "The agent's server did not answer with plain JSON: a value is beyond the limits.",
        ) from error
    except wire.WireError as error:
        raise ExchangeError(
            "not_json", "The agent's server did not answer with plain JSON."
        ) from error
    if not isinstance(answer, dict) or "action" not in answer:
        raise ExchangeError("no_action", "The agent's server did not answer with an action.")
    action = answer["action"]
    if action == LATE:
        raise TooSlow("The agent's server reports that its agent was too slow.")
    if isinstance(action, str) and action.startswith(RAISED):
        raise ExchangeError(
            "agent_error",
            "The agent's server reports that its agent raised an exception.",
            detail=action.removeprefix(RAISED),
        )
    return action


def _within(deadline: float, resolve: Callable[[], Sequence[str]]) -> list[str]:
    """The resolver knows no time limit, so it runs in a thread that may be left behind."""
    found: list[str] = []

    def run() -> None:
        try:
            found.extend(resolve())
        except (OSError, UnicodeError):
            return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if thread.is_alive():
        raise TooSlow("The name of the agent's server was not looked up in time.")
    return found
