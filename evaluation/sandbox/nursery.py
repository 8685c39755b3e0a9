"""The worker's hold on one zygote: starts it, gets boxes from it, ends it.

A zygote ends when its control socket does, so none outlives the process that started it.
"""

import contextlib
import json
import os
import platform
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.sandbox import seccomp, view
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.uids import Uid, as_user
from evaluation.sandbox.view import PROJECT, View

START_S = 30.0
ANSWER_S = 15.0
SPARE = 4  # clones that wait: two seats of this episode, two of the next
MAX_MESSAGE = 1 << 16
BUFFER_BYTES = 1 << 18
DESCRIPTORS = 5
# What runs inside, in the order in which it can be loaded.
INSIDE = ("evaluation.archive", "evaluation.sandbox.landlock", "evaluation.sandbox.cloning",
          "evaluation.sandbox.enclosure", "evaluation.sandbox.child",
          "evaluation.sandbox.zygote")  # fmt: skip
PACKAGES = ("evaluation", "evaluation.sandbox")
BOOTSTRAP = """
import json, socket, sys, types
control = socket.socket(fileno=int(sys.argv[1]))
setup = json.loads(control.recv(1 << 18))
for name, source in setup.pop("modules"):
    module = sys.modules[name] = types.ModuleType(name)
    module.__path__ = []
    exec(compile(source, name, "exec", dont_inherit=True), vars(module))
    above, _, own = name.rpartition(".")
    if above:
        setattr(sys.modules[above], own, module)
sys.modules["evaluation.sandbox.zygote"].main(control, setup)
"""


@dataclass(frozen=True)
class Level:
    """How strongly boxes are kept apart: which of the layers must be there."""

    name: str
    namespaces: bool
    landlock: bool
    filter: bool


LEVELS = (
    Level("A", namespaces=True, landlock=True, filter=True),
    Level("B", namespaces=False, landlock=True, filter=True),
    Level("C", namespaces=False, landlock=False, filter=platform.machine() == "x86_64"),
)


@dataclass(frozen=True)
class Clone:
    """One process in a box, and the worker's ends of its pipes. process: a pidfd."""

    number: int
    requests: int
    answers: int
    stdout: int
    stderr: int
    process: int


class Nursery:
    """A zygote that is starting; `wait` returns when it is warm. Raises BoxFailed."""

    def __init__(
        self,
        seen: View,
        hidden: Sequence[Path],
        level: Level,
        preload: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.level = level
        self.environment = view.ENVIRONMENT | (environment or {})
        self.started = time.monotonic()
        self.launches = 0
        self.is_ready = False
        self._is_out_of_step = False
        self._folder: str | None = None  # what a zygote that was killed may leave
        self._playing = 0
        self._is_retired = False
        self._lock = threading.Lock()
        self._uid = Uid() if os.geteuid() == 0 else None
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self._control.settimeout(ANSWER_S)
        self._hang_up = select.poll()
        self._hang_up.register(self._control, 0)  # nothing but its end
        with theirs:
            try:
                self._process = self._spawn(seen, hidden, theirs.fileno())
            except OSError as error:
                raise BoxFailed(f"The agents' interpreter cannot be started: {error}.") from error
        self._send(self._setup(seen, preload))

    def _spawn(self, seen: View, hidden: Sequence[Path], control: int) -> "subprocess.Popen[bytes]":
        tail = ["-c", BOOTSTRAP, str(control)]
        options: dict[str, Any] = {}
        if self.level.namespaces:
            command = view.enclosed(seen, hidden, self._uid is not None, self.environment)
        else:
            command = view.plain(seen)
            # Without a view of its own it changes its uid before it begins.
            options = as_user(self._uid.number) if self._uid else {}
        return subprocess.Popen(
            [*command, *tail],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # clones keep its streams, which must not think they can seek
            stderr=subprocess.STDOUT,
            pass_fds=[control],
            env={} if self.level.namespaces else self.environment,
            cwd="/",
            start_new_session=True,
            **options,
        )

    def _setup(self, seen: View, preload: Sequence[str]) -> dict[str, Any]:
        inside = self.level.namespaces
        return {
            "modules": [(name, _source(name)) for name in (*PACKAGES, *INSIDE)],
            "namespaces": inside,
            "landlock": self.level.landlock,
            "filter": seccomp.program().hex() if self.level.filter else "",
            "uid": self._uid.number if self._uid and inside else None,
            "packages": [pair[inside] for pair in seen.packages],
            "readable": view.readable(seen, inside),
            "preload": list(preload),
            "spare": SPARE,
        }

    @property
    def is_broken(self) -> bool:
        """Whether it has ended, or its answers do not belong to what is asked."""
        return self._is_out_of_step or bool(self._hang_up.poll(0))

    def poll(self) -> bool:
        """Whether `wait` would return at once."""
        return self.is_ready or bool(select.select([self._control], [], [], 0)[0])

    def wait(self) -> None:
        if self.is_ready:
            return
        self._control.settimeout(START_S)
        answer = self._receive()[0]
        self._control.settimeout(ANSWER_S)
        if "error" in answer:
            raise BoxFailed(f"The box cannot be set up: {answer['error']}.")
        self._folder = answer["folder"]
        self.is_ready = True

    def launch(self) -> Clone:
        with self._lock:
            self._send({"op": "launch"})
            answer, descriptors = self._receive()
            if len(descriptors) != DESCRIPTORS:
                raise BoxFailed(f"No box could be cloned ({answer.get('error', 'no answer')}).")
            self.launches += 1
            self._playing += 1
        for descriptor in descriptors[:-1]:
            os.set_blocking(descriptor, False)
        return Clone(answer["number"], *descriptors)

    def reap(self, clone: Clone) -> None:
        """Its process has ended."""
        with contextlib.suppress(BoxFailed), self._lock:
            self._send({"op": "reap", "with": {"number": clone.number}})
        self._let_go()

    def status(self, clone: Clone) -> tuple[int, int]:
        """In place of `reap`: how it ended (a signal is negative), and its memory in KiB."""
        try:
            with self._lock:
                self._send({"op": "status", "with": {"number": clone.number}})
                answer = self._receive()[0]
        finally:
            self._let_go()
        return int(answer["status"]), int(answer["max_kib"])

    def retire(self) -> None:
        """Ends it once no box of it plays any more."""
        self._is_retired = True
        if self._playing == 0:
            self.close()

    def close(self) -> None:
        if self._control.fileno() < 0:
            return
        self._control.close()
        if self._uid:
            self._uid.release()
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """In a process forked from the one that holds it."""
        self._control.close()
        self._process.returncode = 0

    def _let_go(self) -> None:
        with self._lock:
            self._playing -= 1
        if self._is_retired and self._playing == 0:
            self.close()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError as error:
            raise BoxFailed(self._complaint()) from error

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        try:
            body, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE, DESCRIPTORS)
        except OSError as error:
            raise BoxFailed(self._complaint()) from error
        if not body:
            raise BoxFailed(self._complaint())
        return json.loads(body), descriptors

    def _complaint(self) -> str:
        """What it wrote last, if it has ended. It is of no use any more."""
        self._is_out_of_step = True
        with contextlib.suppress(OSError):  # no later answer may be taken for another's
            self._control.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
            assert self._process.stdout
            said = self._process.stdout.read().decode(errors="replace").strip()
            return said or "The zygote has ended."
        return "The zygote does not answer."


def _source(name: str) -> str:
    """A module that runs inside; packages are empty there."""
    if name in PACKAGES:
        return ""
    return PROJECT.joinpath(*name.split(".")).with_suffix(".py").read_text()
