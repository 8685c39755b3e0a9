"""What sits in a seat: anything with `act`, or a plain function made into one."""

import sys
import traceback
from collections.abc import Callable
from io import StringIO
from time import perf_counter
from typing import Any, NotRequired, Protocol, TypedDict, runtime_checkable

CO_VARARGS = 0x04  # inspect's, whose import would take half as long as the engine's


METERS = ("wall", "cpu", "delay", "think")  # those entries of a log that not every agent has


class Log(TypedDict):
    """duration: the seconds that are charged. Where they are known, also in seconds: the wall time,
    the processor time, the time in the run queue, and what a remote agent says it thought."""

    duration: float
    stdout: str
    stderr: str
    wall: NotRequired[float]
    cpu: NotRequired[float]
    delay: NotRequired[float]
    think: NotRequired[float]


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
    """Calls functions and takes what they print; one pair of buffers serves many calls."""

    def __init__(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self._buffers = StringIO(), StringIO()

    def call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> tuple[Any, float, str, str]:
        """What was returned or raised, the seconds it took, stdout and stderr."""
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, err = self._buffers
        start = perf_counter()
        try:
            result = function(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit and asyncio's cancellation among them
            result = error
        finally:
            duration = perf_counter() - start
            sys.stdout, sys.stderr = streams
        try:
            stdout, stderr = out.getvalue(), err.getvalue()
        except ValueError:  # it has closed one
            stdout, stderr = "", ""
            self._empty()
        if stdout or stderr:
            self._empty()
        return result, duration, stdout, stderr


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
        action, duration, stdout, stderr = self._capture.call(self._function, arguments)
        if issubclass(type(action), BaseException):
            stderr += _account(action)
        return action, {"duration": duration, "stdout": stdout, "stderr": stderr}


def _account(error: BaseException) -> str:
    """Its traceback; where it cannot even be printed, its name."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        return f"{type(error).__name__}\n"


def arity(function: Callable[..., Any]) -> int:
    """How many of (observation, configuration) a function takes; 2 where it does not say."""
    if not hasattr(function, "__code__"):
        function = getattr(function, "__call__", function)  # noqa: B004
    code = getattr(function, "__code__", None)
    if code is None:
        return 2
    if code.co_flags & CO_VARARGS:
        wrapped = getattr(function, "__wrapped__", None)
        return arity(wrapped) if wrapped else 2
    own = 1 if hasattr(function, "__self__") else 0
    return min(2, max(0, int(code.co_argcount) - own))
