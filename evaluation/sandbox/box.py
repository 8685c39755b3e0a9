"""One isolated process and the worker's ends of its pipes. Knows bytes and time, not agents."""

import contextlib
import os
import re
import select
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.sandbox import wire
from evaluation.sandbox.clock import BOOKING_S, HEAVY_SHARE, Clock, Reading
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.limits import KIB, Limits
from evaluation.sandbox.nursery import Nursery

CHUNK = 64 * KIB
BOX_START_S = 15.0
ENDED_S = 1.0
MOMENT_S = 0.0005
MIN_ANSWER_BYTES = 64 * KIB  # room for a traceback where answers are small

Files = Sequence[tuple[str, bytes]]


class Late(Exception):
    """No whole answer within the time allowed, as the clock stood at that moment.

    is_held_up: the fair clock would have left it time.
    """

    def __init__(self, at: Reading, is_held_up: bool) -> None:
        super().__init__(at, is_held_up)
        self.at, self.is_held_up = at, is_held_up


class Gone(Exception):
    """The process has ended: its exit code, a signal as a negative number, None if only its pipe
    is closed; max_kib: its resident memory at most."""

    def __init__(self, status: int | None, max_kib: int = 0) -> None:
        super().__init__(status, max_kib)
        self.status, self.max_kib = status, max_kib


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
        stdout, stderr = self.kept.values()
        if not stdout and not stderr:
            return "", ""
        texts = [buffer.decode(errors="replace") for buffer in (stdout, stderr)]
        stdout.clear()
        stderr.clear()
        return texts[0].replace("\0", "\N{REPLACEMENT CHARACTER}"), texts[1].replace(
            "\0", "\N{REPLACEMENT CHARACTER}"
        )


class Box:
    """A clone that is on its way; `ready` waits until it has given up all rights.

    is_fair: whether it pays for the processor time it used, or for all time that passes.
    """

    def __init__(self, nursery: Nursery, limits: Limits, *, is_fair: bool = True) -> None:
        self.limits = limits
        self.level = nursery.level.name
        self.output = Output(limits)
        self._nursery = nursery
        self._buffer = bytearray()
        self._unsent = bytearray()
        self._answered = 0  # bytes, over the episode
        self._is_gone = False
        self._is_dead = False
        self._is_frozen = False
        self._last_look: float | None = None  # its processor time when it was found waiting
        self._clone = nursery.launch()
        self.pid = _pid_of(self._clone.process)
        os.sched_setaffinity(self.pid, os.sched_getaffinity(0))  # where its worker is
        self._clock = Clock(self.pid, is_fair)
        self._poll = select.poll()
        self._names = {
            self._clone.answers: "answers",
            self._clone.stdout: "stdout",
            self._clone.stderr: "stderr",
        }
        for descriptor in self._names:
            self._poll.register(descriptor, select.POLLIN)

    def order(self, files: Files) -> None:
        """The first message: what to play with. It is followed by the files themselves."""
        sizes = [[name, len(content)] for name, content in files]
        message = {"limits": self.limits.for_box(), "files": sizes}
        self._unsent += wire.frame(message)
        for _, content in files:
            self._unsent += content
        self._write()

    def send(self, message: dict[str, Any]) -> None:
        """Queues a message; what the pipe does not take at once goes out while receiving."""
        self._unsent += wire.frame(message)
        self._write()

    def _write(self) -> None:
        requests = self._clone.requests
        try:
            while self._unsent:
                del self._unsent[: os.write(requests, self._unsent[:CHUNK])]
        except BlockingIOError:
            self._poll.register(requests, select.POLLOUT)
            return
        except BrokenPipeError:  # its end shows on the answer pipe
            self._unsent.clear()
        with contextlib.suppress(KeyError):
            self._poll.unregister(requests)

    def ready(self) -> None:
        """Waits until the box stands. All that goes wrong before is the platform's fault."""
        try:
            answer = self.receive(0, BOX_START_S)
        except (Late, Gone, Flood, wire.WireError) as error:
            said = self.output.take()[1].strip()
            raise BoxFailed(said or f"The box did not start ({type(error).__name__}).") from error
        if "fault" in answer:
            raise BoxFailed(f"The box did not shut itself in: {answer['message']}.")

    def status(self) -> dict[str, str]:
        """/proc/PID/status of the process that plays, as this side sees it."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def read_clock(self) -> Reading:
        return self._clock.read()

    def charge(self, used: Reading) -> float:
        return self._clock.charge(used)

    def freeze(self) -> None:
        """Stops all its threads until `thaw`: it cannot think in its opponent's time."""
        self._signal(signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        if self._is_frozen:
            self._signal(signal.SIGCONT)
            self._is_frozen = False

    def refuse_early(self) -> None:
        """An answer to a question that was not asked yet is a fault."""
        self._serve_waiting(0)
        if self._buffer:
            raise wire.WireError("An answer came before the question.")

    def receive(self, seq: int, budget_s: float) -> dict[str, Any]:
        """The answer to question `seq`. Raises Late, Gone, Flood or WireError.

        budget_s: what it may be charged from now on.
        """
        start = self.read_clock()
        self._last_look = None
        left = budget_s
        while (body := self._whole_body()) is None:
            left = self._await_more(start, left, budget_s)
        answer = wire.parse(body, seq)
        self._answered += len(body)
        is_flood = (
            len(body) > self.limits.answer_bytes or self._answered > self.limits.answers_bytes
        )
        if is_flood and "fault" not in answer:
            raise Flood("answered")
        return answer

    def take(self, size: int, start: Reading, budget_s: float) -> bytes:
        """Up to `size` bytes of an answer that is a stream, one at least. Raises Late, Gone, Flood.

        budget_s: what it may be charged since `start`, for all of the stream.
        """
        left = start.wall + budget_s - time.monotonic()
        while not self._buffer:
            left = self._await_more(start, left, budget_s)
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _await_more(self, start: Reading, left: float, budget_s: float) -> float:
        """Whatever comes next within `left` seconds; how many are left on the wall."""
        if self._is_gone:
            raise self._gone()
        if left <= 0:
            left = self._left(start, budget_s)
        self._serve_waiting(left)
        if self.output.left < 0:
            raise Flood("printed")
        return start.wall + budget_s - time.monotonic()

    def _left(self, start: Reading, budget_s: float) -> float:
        """How much longer to wait for one that has had its time on the wall.

        Raises Late, and BoxFailed where the machine gave it no time to run.
        """
        now = self.read_clock()
        used = now.since(start)
        left = budget_s - self.charge(used)
        if left <= 0 and used.cpu < budget_s and self._waits(now):
            left = BOOKING_S
        if left <= 0:
            raise Late(now, used.charge < budget_s and used.delay > HEAVY_SHARE * used.wall)
        left_on_wall = self._clock.wall_limit(budget_s) - used.wall
        if left_on_wall <= 0:
            raise BoxFailed(f"The machine is overloaded: {used.delay:.1f} s waited for a move.")
        return min(left, left_on_wall)

    def _waits(self, now: Reading) -> bool:
        """Whether it may still wait for a processor; once it has run, its wait has been booked."""
        has_run = self._last_look is not None and now.cpu - self._last_look > MOMENT_S
        self._last_look = now.cpu
        return not has_run and self._clock.may_wait()

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
        if descriptor == self._clone.requests:
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

    def _gone(self) -> Gone:
        """Whether it has died, and of what; if it lives on, it has closed its pipe."""
        if self._is_dead or not select.select([self._clone.process], [], [], ENDED_S)[0]:
            return Gone(None)
        self._is_dead = True
        return Gone(*self._nursery.status(self._clone))

    def take_output(self) -> tuple[str, str]:
        """What was printed since the last call, as far as it has left the agent."""
        self._serve_waiting(0)
        return self.output.take()

    def kill(self) -> None:
        """Ends every process inside, and returns when none is left."""
        if not self._is_dead:
            self._signal(signal.SIGKILL)
            select.select([self._clone.process], [], [])
            self._nursery.reap(self._clone)
            self._is_dead = True

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._clone.process, number)

    def close(self) -> None:
        self.kill()
        self._clock.close()
        for descriptor in (self._clone.requests, self._clone.process, *self._names):
            os.close(descriptor)


def _pid_of(pidfd: int) -> int:
    """Its number in this process's view. Raises BoxFailed where it has ended already."""
    info = Path(f"/proc/self/fdinfo/{pidfd}").read_text()
    found = re.search(r"^Pid:\s+(\d+)$", info, re.MULTILINE)
    if not found:
        raise BoxFailed("The box has ended before it began.")
    return int(found[1])
