"""One isolated process and the worker's ends of its pipes. Knows bytes and time, not agents."""

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.sandbox import seccomp, wire
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.limits import KIB, Limits
from evaluation.sandbox.uids import Uid
from evaluation.sandbox.view import View, command, is_root

CHUNK = 64 * KIB
BOX_START_S = 15.0
GONE_S = 1.0
MIN_ANSWER_BYTES = 64 * KIB  # room for a traceback where answers are small


class Late(Exception):
    """No whole answer by the deadline."""


class Gone(Exception):
    """The process has ended; status as a shell would see it, None if only its pipe is closed."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


class Flood(Exception):
    """Too much was written, as an answer or as output."""


class Output:
    """What one agent prints, kept up to a bound and counted beyond it."""

    def __init__(self, limits: Limits) -> None:
        self.room = limits.log_bytes
        self.left = limits.output_bytes
        self.notice = f"\n[output beyond {limits.log_bytes // KIB} KiB was dropped]\n"
        self.kept = {"stdout": bytearray(), "stderr": bytearray()}

    def add(self, name: str, chunk: bytes) -> None:
        self.left -= len(chunk)
        kept = chunk[: self.room]
        self.room -= len(kept)
        self.kept[name] += kept
        if len(kept) < len(chunk):
            self.kept[name] += self.notice.encode()
            self.notice = ""

    def take(self) -> tuple[str, str]:
        """What came since the last call; databases refuse NUL, so it is replaced."""
        texts = [buffer.decode(errors="replace") for buffer in self.kept.values()]
        for buffer in self.kept.values():
            buffer.clear()
        stdout, stderr = (text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in texts)
        return stdout, stderr


class Box:
    """Started at once; `ready` waits until the process inside has given up all rights.

    It dies with the thread that started it, so start it from one that outlives the episode.
    """

    def __init__(self, view: View, source: Path, hidden: Sequence[Path], limits: Limits) -> None:
        self.limits = limits
        self.output = Output(limits)
        self._buffer = bytearray()
        self._unsent = b""
        self._is_gone = False
        self._uid = Uid() if is_root() else None
        self.pid = 0
        self._pidfd: int | None = None
        self._ends: dict[str, int] = {}
        setup = self._setup(view)
        try:
            self._process = self._spawn(view, source, hidden)
        except BaseException:
            self._close_ends()
            raise
        self._poll = select.poll()
        self._names = {self._ends[name]: name for name in ("answers", "stdout", "stderr")}
        for descriptor in self._names:
            self._poll.register(descriptor, select.POLLIN)
        self.send(setup)

    def _setup(self, view: View) -> dict[str, Any]:
        return {
            "limits": self.limits.for_box(),
            "uid": self._uid and self._uid.number,
            "packages": view.packages,
            "filter": seccomp.program().hex(),
        }

    def _spawn(self, view: View, source: Path, hidden: Sequence[Path]) -> "subprocess.Popen[bytes]":
        with contextlib.ExitStack() as theirs:
            inside = {"child": _readable(view.child)}
            theirs.callback(os.close, inside["child"])
            for name in ("requests", "answers", "stdout", "stderr", "info"):
                read, write = os.pipe2(os.O_CLOEXEC)
                ours, inside[name] = (write, read) if name == "requests" else (read, write)
                theirs.callback(os.close, inside[name])
                os.set_blocking(ours, False)
                self._ends[name] = ours
            return subprocess.Popen(
                command(view, source, hidden, self._uid is not None, inside),
                stdin=subprocess.DEVNULL,
                stdout=inside["stdout"],
                stderr=inside["stderr"],
                pass_fds=[inside[n] for n in ("child", "info", "requests", "answers")],
                env={},
                cwd="/",
                start_new_session=True,
            )

    def send(self, message: dict[str, Any]) -> None:
        """Queues a message; what the pipe does not take at once goes out while receiving."""
        self._unsent += wire.frame(message)
        self._write()

    def _write(self) -> None:
        requests = self._ends["requests"]
        try:
            self._unsent = self._unsent[os.write(requests, self._unsent) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # its end shows on the answer pipe
            self._unsent = b""
        if self._unsent:
            self._poll.register(requests, select.POLLOUT)
        else:
            with contextlib.suppress(KeyError):
                self._poll.unregister(requests)

    def ready(self) -> None:
        """Waits until the box stands. All that goes wrong before is the platform's fault."""
        try:
            answer = self.receive(0, time.monotonic() + BOX_START_S)
        except (Late, Gone, Flood, wire.WireError) as error:
            said = self.output.take()[1].strip()
            raise BoxFailed(said or f"The box did not start ({type(error).__name__}).") from error
        if "fault" in answer:
            raise BoxFailed(f"The box did not shut itself in: {answer['message']}.")
        self._open_pidfd()

    def _open_pidfd(self) -> None:
        """Takes hold of the process inside: the first of its namespace, which takes all others
        with it."""
        with contextlib.suppress(BlockingIOError, ProcessLookupError, ValueError):
            self.pid = int(json.loads(os.read(self._ends["info"], CHUNK))["child-pid"])
            self._pidfd = os.pidfd_open(self.pid)

    def status(self) -> dict[str, str]:
        """/proc/PID/status of the process that plays, as this side sees it."""
        child = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0]
        lines = Path(f"/proc/{child}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def refuse_early(self) -> None:
        """An answer to a question that was not asked yet is a fault."""
        self._serve_waiting(0)
        if self._buffer:
            raise wire.WireError("An answer came before the question.")

    def receive(self, seq: int, deadline: float) -> dict[str, Any]:
        """The answer to question `seq`. Raises Late, Gone, Flood or WireError."""
        while (body := self._whole_body()) is None:
            if self._is_gone:
                raise Gone(self._status())
            left = deadline - time.monotonic()
            if left <= 0:
                raise Late
            self._serve_waiting(left)
            if self.output.left < 0:
                raise Flood("printed")
        answer = wire.parse(body, seq)
        if len(body) > self.limits.answer_bytes and "fault" not in answer:
            raise Flood("answered")
        return answer

    def _serve_waiting(self, timeout_s: float) -> None:
        for descriptor, _ in self._poll.poll(timeout_s * 1000):
            self._serve(descriptor)

    def _whole_body(self) -> bytearray | None:
        length = wire.body_length(self._buffer)
        if length is None:
            return None
        if length > max(self.limits.answer_bytes, MIN_ANSWER_BYTES):
            raise Flood("answered")
        end = wire.HEADER_BYTES + length
        if len(self._buffer) < end:
            return None
        body = self._buffer[wire.HEADER_BYTES : end]
        del self._buffer[:end]
        return body

    def _serve(self, descriptor: int) -> None:
        if descriptor == self._ends["requests"]:
            self._write()
            return
        chunk = os.read(descriptor, CHUNK)
        name = self._names[descriptor]
        if name != "answers":
            self.output.add(name, chunk)
        self._buffer += chunk if name == "answers" else b""
        if not chunk:
            self._poll.unregister(descriptor)
            self._is_gone = self._is_gone or name == "answers"

    def _status(self) -> int | None:
        try:
            return self._process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            return None

    def take_output(self) -> tuple[str, str]:
        """What was printed since the last call, as far as it has left the agent."""
        self._serve_waiting(0)
        return self.output.take()

    def kill(self) -> None:
        """Ends every process inside, and returns when none is left."""
        if self._pidfd is None:
            self._open_pidfd()
        if self._pidfd is None:  # hardly begun: what there is dies with bubblewrap
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self._process.wait()
        if self._pidfd is not None:
            select.select([self._pidfd], [], [])

    def pids(self) -> tuple[int, int]:
        """Bubblewrap and the first process inside; each leads a session of its own."""
        return self._process.pid, self.pid

    def close(self) -> None:
        self.kill()
        self._close_ends()
        if self._pidfd is not None:
            os.close(self._pidfd)

    def _close_ends(self) -> None:
        for descriptor in self._ends.values():
            os.close(descriptor)
        self._ends.clear()
        if self._uid:
            self._uid.release()


_images: dict[bytes, int] = {}


def _readable(content: bytes) -> int:
    """A descriptor at the start of `content`, which is kept in memory once a process."""
    if content not in _images:
        _images[content] = os.memfd_create("child")
        os.write(_images[content], content)
    return os.open(f"/proc/self/fd/{_images[content]}", os.O_RDONLY | os.O_CLOEXEC)
