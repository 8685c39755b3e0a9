"""What sits in a seat: anything with `act`, or a plain function made into one."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from time import perf_counter
from typing import Any, Protocol, TypedDict, runtime_checkable

from evaluation.errors import InvalidArgument, NotFound
from evaluation.utils import read_file

SOURCE_HINT_LENGTH = 20
PATH_HINT_LENGTH = 100
NOTHING = "", ""


class Log(TypedDict):
    duration: float
    stdout: str
    stderr: str


@runtime_checkable
class Actor(Protocol):
    """Answers observations in plain dicts; a box, a remote agent or a person can be behind it."""

    def act(
        self, observation: dict[str, Any], configuration: dict[str, Any], deadline_s: float
    ) -> tuple[Any, Log]:
        """The action and its log.

        deadline_s: wall limit of this move, the time bank included. Instead of an action an
        exception may be returned: DeadlineExceeded is a TIMEOUT, any other an ERROR.
        """


class Capture:
    """Takes what its calls print; one pair of buffers serves many of them."""

    def __init__(self) -> None:
        self._buffers = StringIO(), StringIO()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._buffers
        try:
            return function(*arguments)
        finally:
            sys.stdout, sys.stderr = streams

    def take(self) -> tuple[str, str]:
        """What was printed to stdout and stderr since then; nothing where one was closed."""
        out, err = self._buffers
        try:
            texts = out.getvalue(), err.getvalue()
        except ValueError:
            self._buffers = StringIO(), StringIO()
            return NOTHING
        if texts != NOTHING:
            self._buffers = StringIO(), StringIO()
        return texts


class Agent:
    """A function of up to two parameters (observation, configuration) in this process.

    It cannot be stopped, so its time is measured after the fact. In debug mode its output and
    its exceptions pass through.
    """

    def __init__(self, function: Callable[..., Any], debug: bool = False) -> None:
        self._function = function
        self._arity = arity(function)
        self._debug = debug
        self._capture = Capture()

    def act(
        self, observation: dict[str, Any], configuration: dict[str, Any], deadline_s: float
    ) -> tuple[Any, Log]:
        arguments = (observation, configuration)[: self._arity]
        if self._debug:
            start = perf_counter()
            action = self._function(*arguments)
            return action, {"duration": perf_counter() - start, "stdout": "", "stderr": ""}
        start = perf_counter()
        try:
            action = self._capture.call(self._function, *arguments)
        except (Exception, SystemExit) as error:
            action = error
        duration = perf_counter() - start
        stdout, stderr = self._capture.take()
        if isinstance(action, BaseException):
            stderr += "".join(traceback.format_exception(action))
        return action, {"duration": duration, "stdout": stdout, "stderr": stderr}


class SourceAgent:
    """The last callable that a source defines; the source runs at the first move, on its clock."""

    def __init__(self, source: str, path: str | None = None) -> None:
        self._source = source
        self._path = path
        self._agent: Callable[..., Any] | None = None

    def __call__(self, observation: dict[str, Any], configuration: dict[str, Any]) -> Any:
        if self._agent is None:
            self._agent = load(self._source, self._path)
        configuration["__raw_path__"] = self._path or self._source
        return self._agent(*(observation, configuration)[: arity(self._agent)])


def load(source: str, path: str | None = None) -> Callable[..., Any]:
    """Runs the source, files beside `path` importable, and returns the last callable it leaves."""
    namespace: dict[str, Any] = {}
    with _importable(os.path.dirname(os.path.abspath(path)) if path else None):
        exec(compile(source, path or "<string>", "exec"), namespace)
    callables = [value for value in namespace.values() if callable(value)]
    if not callables:
        raise InvalidArgument("The agent's source defines no function.")
    last: Callable[..., Any] = callables[-1]
    return last


@contextmanager
def _importable(folder: str | None) -> Iterator[None]:
    if folder is None or folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def arity(function: Callable[..., Any]) -> int:
    """How many of (observation, configuration) a function takes; 2 where it does not say."""
    code = getattr(function, "__code__", None)
    if code is None:
        function = getattr(function, "__call__", function)  # noqa: B004
        code = getattr(function, "__code__", None)
    if code is None:
        return 2
    own = 1 if hasattr(function, "__self__") else 0
    return min(2, max(0, int(code.co_argcount) - own))


def seat_agent(raw: Any, builtin: Mapping[str, Callable[..., Any]], debug: bool) -> Actor | None:
    """Whatever may sit in a seat as an Actor; None stays None. Raises InvalidArgument, NotFound."""
    if raw is None:
        return None
    if isinstance(raw, str | os.PathLike):
        return Agent(_from_text(os.fspath(raw), builtin), debug)
    if callable(raw):
        return Agent(raw, debug)
    return raw if isinstance(raw, Actor) else Agent(lambda: raw, debug)


def _from_text(text: str, builtin: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """A built-in's name, a path to a file or to a folder with main.py, or source."""
    if text in builtin:
        return builtin[text]
    if text.startswith(("http://", "https://")):
        raise InvalidArgument("An agent behind a URL needs evaluation.url_agent to sit in a seat.")
    if os.path.isdir(text):
        text = os.path.join(text, "main.py")
    if os.path.exists(text):
        return SourceAgent(read_file(text), text)
    looks_like_path = len(text) < PATH_HINT_LENGTH and ("/" in text or "\\" in text)
    if len(text) < SOURCE_HINT_LENGTH or looks_like_path:
        raise NotFound(f"There is no built-in agent and no file named {text}.")
    return SourceAgent(text)
