"""The zygote: a warm interpreter in an empty view, from which every box is cloned.

Runs inside, standard library only; it never reads a byte of an agent. On its control socket it
takes `launch`, `reap` and `status`; the worker's death, an end of that socket, is its own end.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from typing import Any, NoReturn

from evaluation.sandbox import child, cloning, enclosure

MAX_MESSAGE = 1 << 16
FOLDER = "palaestra-box-"  # in it lie the files of agents that share a view
PIPES = 4  # requests, answers, stdout, stderr; the first runs inwards


class Parked:
    """A clone that waits for its agent, and the worker's ends of its pipes."""

    def __init__(self, number: int, pid: int, first: int, ends: list[int]) -> None:
        self.number, self.pid, self.first, self.ends = number, pid, first, ends


class Zygote:
    def __init__(self, control: socket.socket, setup: dict[str, Any]) -> None:
        self.control, self.setup = control, setup
        self.parked: list[Parked] = []
        self.playing: dict[int, Parked] = {}
        self.count = 0
        self.spaces = cloning.ProcessSpace() if setup["namespaces"] else None
        self.folder = None if setup["namespaces"] else tempfile.mkdtemp(prefix=FOLDER)

    def serve(self) -> None:
        self.reply({"folder": self.folder})
        waiting = select.poll()
        waiting.register(self.control, select.POLLIN)
        while True:
            while len(self.parked) < self.setup["spare"] and not waiting.poll(0):
                if not self.park():
                    break
            message = self.control.recv(MAX_MESSAGE)
            if not message:
                return self.end()
            request = json.loads(message)
            getattr(self, request["op"])(**request.get("with", {}))

    def park(self) -> bool:
        """Makes one more, unless the machine has no room for it at the moment."""
        try:
            self.parked.append(self.make())
        except OSError:
            return False
        return True

    def launch(self) -> None:
        try:
            parked = self.parked.pop(0) if self.parked else self.make()
        except OSError as error:
            return self.reply({"error": str(error)})
        try:
            self.reply({"number": parked.number}, parked.ends)
        except OSError as error:  # so many descriptors are on their way that no more may be sent
            self.parked.append(parked)
            return self.reply({"error": str(error)})
        self.playing[parked.number] = parked
        for descriptor in parked.ends:
            os.close(descriptor)

    def reap(self, number: int) -> None:
        """The worker has seen it die."""
        self.bury(self.playing.pop(number))

    def status(self, number: int) -> None:
        """How it ended: its exit code, or a signal as a negative number; its memory at most."""
        status, max_kib = self.bury(self.playing.pop(number))
        self.reply({"status": status, "max_kib": max_kib})

    def bury(self, dead: Parked) -> tuple[int, int]:
        _, status, usage = os.wait4(dead.pid, 0)
        if dead.first:
            os.kill(dead.first, signal.SIGKILL)
            os.waitpid(dead.first, 0)
        if self.folder:
            shutil.rmtree(os.path.join(self.folder, str(dead.number)), ignore_errors=True)
        return os.waitstatus_to_exitcode(status), usage.ru_maxrss

    def make(self) -> Parked:
        """Clones one; in the clone this does not return."""
        self.count += 1
        with contextlib.ExitStack() as on_error, contextlib.ExitStack() as always:
            theirs, ours = [], []
            for index in range(PIPES):
                read, write = os.pipe2(os.O_CLOEXEC)
                inside, outside = (read, write) if index == 0 else (write, read)
                theirs.append(inside)
                ours.append(outside)
                always.callback(os.close, inside)
                on_error.callback(os.close, outside)
            pid, first, pidfd = self.clone(theirs)
            on_error.pop_all()
        return Parked(self.count, pid, first, [*ours, pidfd])

    def clone(self, descriptors: list[int]) -> tuple[int, int, int]:
        with self.spaces or contextlib.nullcontext(0) as first:
            pid, pidfd = cloning.clone(cloning.OWN_VIEW if self.spaces else 0)
            if pid == 0:
                self.become_child(descriptors)
        return pid, first, pidfd

    def become_child(self, descriptors: list[int]) -> NoReturn:
        folder = os.path.join(self.folder, str(self.count)) if self.folder else None
        try:
            child.live(descriptors, self.setup, folder)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def reply(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        body = json.dumps(message).encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.control, [body], descriptors or [])

    def end(self) -> None:
        for one in [*self.parked, *self.playing.values()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one.pid, signal.SIGKILL)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def warm_up(setup: dict[str, Any]) -> None:
    """Imports what agents will import, as far as it is there, so that no clone does it again."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))  # not only where an episode plays
    sys.path += setup["packages"]
    child.prepare_interpreter()
    for name in setup["preload"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection touches every page, which is then copied for each clone


def main(control: socket.socket, setup: dict[str, Any]) -> None:
    # A handler would run, at a signal from inside, in the first process of each space.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        if setup["uid"] is not None:
            enclosure.become(setup["uid"])
        if setup["namespaces"]:
            cloning.enter_own_user_namespace()
        warm_up(setup)
        zygote = Zygote(control, setup)
    except Exception as error:
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}).encode())
        return
    zygote.serve()
