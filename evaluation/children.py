"""The processes in which the HTTP server plays: one for an episode, one that stays for an agent.

Agents print, seed, import and hang; in processes of their own they disturb neither each other nor
the server, and can be stopped.
"""

import json
import math
import multiprocessing
import os
import resource
import signal
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from socket import MSG_PEEK, socket
from typing import Any, NamedTuple, NoReturn

from evaluation import actions
from evaluation.errors import EngineError
from evaluation.request import Request
from evaluation.sandbox.errors import BoxFailed
from evaluation.url_agent import LATE, RAISED

KEPT_AGENTS = 32
# What a process gets to make an environment before its agent's own clock runs.
START_S = 60.0
# How much longer than its agent may take a process is let run, to say so itself.
GRACE_S = 0.5
WAIT_S = 60.0
# What one request from another machine may use.
STRANGER_S = 60.0
STRANGER_BYTES = 2 * 1024**3
FAILED = "The server failed; its terminal says why."
SHOWN = {"run": actions.run, "step": actions.step, "load": actions.load}
TYPES = {
    "json": "application/json",
    "ansi": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
}

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["evaluation.children"])


class Answer(NamedTuple):
    """What the caller is sent, and what goes to the log of the agent."""

    status: int
    body: bytes
    kind: str = TYPES["json"]
    log: dict[str, Any] | None = None

    @classmethod
    def of(cls, value: Any, status: int = 200, log: dict[str, Any] | None = None) -> "Answer":
        return cls(status, json.dumps(value).encode(), log=log)

    @classmethod
    def error(cls, status: int, sentence: str) -> "Answer":
        return cls.of({"error": sentence}, status)


class NoAnswer(Exception):
    """The process is of no more use."""


class Late(NoAnswer):
    """It took longer than it may."""


class Ended(NoAnswer):
    """It ended: its agent exited or crashed, or somebody disposed of it."""


class CallerGone(NoAnswer):
    """Nobody waits for the answer any more."""


class Child:
    """A process that answers requests, one at a time."""

    def __init__(self) -> None:
        self._connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs,))
        self._process.start()
        theirs.close()

    def ask(self, request: Request, caller: socket) -> Answer:
        """Raises NoAnswer, after which the process is to be ended."""
        try:
            self._connection.send(request)
            return self._wait(request, caller)
        except (EOFError, ConnectionError) as error:
            raise Ended from error

    def _wait(self, request: Request, caller: socket) -> Answer:
        now = time.monotonic()
        limit = math.inf if request.is_trusted else now + STRANGER_S
        deadline = min(limit, now + START_S) if request.action == "act" else limit
        watched: list[Any] = [self._connection, caller]
        while (left := deadline - time.monotonic()) > 0:
            ready = wait(watched, min(left, WAIT_S))
            if self._connection in ready:
                said: Answer | float = self._connection.recv()
                if isinstance(said, Answer):
                    return said
                deadline = min(limit, time.monotonic() + said + GRACE_S)
            elif caller in ready:
                if _has_hung_up(caller):
                    raise CallerGone
                watched.remove(caller)  # it has sent its next request ahead
        raise Late

    def end(self) -> None:
        """Stops the process, whatever it is doing, and those that its agents have started."""
        if self._process.pid:
            with suppress(ProcessLookupError):  # it leads no group yet, or all of it has ended
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()


def _has_hung_up(caller: socket) -> bool:
    try:
        return not caller.recv(1, MSG_PEEK)
    except OSError:
        return True


class Seat:
    """Where the process of one agent is kept; the lock is held by who asks it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.child: Child | None = None


class Children:
    """All processes of a server."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seats: OrderedDict[tuple[Any, ...], Seat] = OrderedDict()
        self._alive: set[Child] = set()
        self._is_closed = False

    def play(self, request: Request, caller: socket) -> Answer:
        """Any action but `act`, in a process that ends with it."""
        child = self._start()
        try:
            return child.ask(request, caller)
        except Late:
            return Answer.error(400, f"This takes longer than {STRANGER_S:.0f} s.")
        except Ended:
            return Answer.error(400, "The episode's process ended: an agent exited or crashed.")
        finally:
            self._end(child)

    def act(self, request: Request, caller: socket) -> Answer:
        """One action of an agent, whose process is kept for the next."""
        key = _key(request)
        seat = self._take(key)
        try:
            return self._ask(seat, request, caller)
        except Late:
            return Answer.of({"action": LATE})
        except Ended:
            return Answer.of({"action": f"{RAISED}The agent's process ended."})
        finally:
            if self._seats.get(key) is not seat:  # disposed of while it was being started
                self._empty(seat)
            seat.lock.release()

    def dispose(self, request: Request) -> int:
        """Ends the caller's agents, or those that the request names; how many there were."""
        wanted = _key(request)
        with self._lock:
            keys = [key for key in self._seats if _matches(key, wanted)]
            seats = [self._seats.pop(key) for key in keys]
        for seat in seats:
            self._empty(seat)
        return len(seats)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            alive = list(self._alive)
        for child in alive:
            child.end()

    def _start(self) -> Child:
        """After the end none is started: it would outlive the server, which waits for it."""
        with self._lock:
            if self._is_closed:
                raise CallerGone
            child = Child()
            self._alive.add(child)
        return child

    def _end(self, child: Child) -> None:
        child.end()
        self._alive.discard(child)

    def _ask(self, seat: Seat, request: Request, caller: socket) -> Answer:
        child = seat.child = seat.child or self._start()
        try:
            return child.ask(request, caller)
        except NoAnswer:
            self._empty(seat)
            raise

    def _empty(self, seat: Seat) -> None:
        child, seat.child = seat.child, None
        if child:
            self._end(child)

    def _take(self, key: tuple[Any, ...]) -> Seat:
        """The agent's seat, locked. One that was given up while we waited is not taken."""
        while True:
            with self._lock:
                seat = self._seats.setdefault(key, Seat())
                self._seats.move_to_end(key)
                dropped = self._make_room(key)
            if dropped:
                self._empty(dropped)
            seat.lock.acquire()
            if self._seats.get(key) is seat:
                return seat
            seat.lock.release()

    def _make_room(self, key: tuple[Any, ...]) -> Seat | None:
        """The seat asked least recently, when callers such as this one have too many."""
        alike = [other for other in self._seats if other[0] == key[0]]
        return self._seats.pop(alike[0]) if len(alike) > KEPT_AGENTS else None


def _key(request: Request) -> tuple[Any, ...]:
    """Which agent is meant: who is asked by the same name keeps its memory."""
    agents = json.dumps(request.agents) if request.agents else ""
    return request.is_trusted, request.environment, agents, request.session


def _matches(key: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    return key[0] == wanted[0] and all(
        want in ("", have) for have, want in zip(key[1:], wanted[1:], strict=True)
    )


def _serve(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the server ends us
    os.setpgid(0, 0)  # what agents start belongs to us, and ends with us
    threading.Thread(target=_end_with_server, daemon=True).start()
    acting = actions.Acting()
    while True:
        try:
            request = connection.recv()
        except EOFError:
            _end_group()
        connection.send(answer(request, acting, connection.send))


def _end_group() -> NoReturn:
    """This process and all that its agents have started; none outlives the server."""
    os.killpg(0, signal.SIGKILL)
    raise SystemExit(1)


def _end_with_server() -> None:
    server = multiprocessing.parent_process()
    if server:
        wait([server.sentinel])
    _end_group()


def answer(request: Request, acting: actions.Acting, announce: Callable[[float], object]) -> Answer:
    """What the request leads to; the one place that turns errors into statuses."""
    _bound_memory(request)
    try:
        actions.check_caller(request)
        return _perform(request, acting, announce)
    except actions.Forbidden as error:
        return Answer.error(403, str(error))
    except (EngineError, BoxFailed) as error:
        return Answer.error(400, str(error))
    except Exception as error:
        traceback.print_exc()
        if request.debug:  # in which the exceptions of agents pass through
            return Answer.error(400, repr(error))
        return Answer.error(500, FAILED)


def _perform(
    request: Request, acting: actions.Acting, announce: Callable[[float], object]
) -> Answer:
    logs: list[Any] = []
    if request.action == "act":
        action = acting.act(request, logs, announce)
        if request.debug:
            print(logs[0]["stdout"], logs[0]["stderr"], sep="", end="", flush=True)
        return Answer.of(action, log=logs[0])
    if request.action == "evaluate":
        return Answer.of(actions.evaluate(request, logs))
    text = SHOWN[request.action](request, logs)
    return Answer(200, text.encode("utf-8", "replace"), TYPES[request.mode])


def _bound_memory(request: Request) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = most if request.is_trusted else STRANGER_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (wanted if most < 0 else min(wanted, most), most))
