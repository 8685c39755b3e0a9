"""A boxed agent as the engine sees it: load it, ask it for actions, learn why it failed."""

import os
import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaluation.agent import Log
from evaluation.errors import DeadlineExceeded
from evaluation.sandbox.box import Box, Flood, Gone, Late
from evaluation.sandbox.errors import AgentFailed, BoxFailed
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.view import PROJECT, default_agent_python, is_root, view_of
from evaluation.sandbox.wire import BadValue, WireError
from evaluation.verdict import Verdict

MAX_DETAIL = 8000


class AgentProcess:
    """One boxed agent, fresh for one episode.

    source: a .py file or a folder that holds main.py. hidden: folders that must stay out of its
    sight, besides the project's, wherever they lie. Raises BoxFailed where the platform is at
    fault; the agent's own faults become `verdict`.
    """

    def __init__(
        self,
        source: Path,
        limits: Limits,
        *,
        agent_python: Path | None = None,
        hidden: Sequence[Path] = (),
    ) -> None:
        self.source = source.resolve()
        self.limits = limits
        self.agent_python = agent_python or default_agent_python()
        self.hidden = (PROJECT, *hidden)
        self.verdict: Verdict | None = None
        self.load_seconds = 0.0  # from start() until it was imported
        self.load_log: Log = {"duration": 0.0, "stdout": "", "stderr": ""}
        self._box: Box | None = None
        self._started_at = 0.0
        self._seq = 0
        self._is_loaded = False
        self._is_closed = False
        self._has_acted = False

    def start(self) -> None:
        """Spawns the box and returns at once, so that all seats start side by side."""
        self._opened()

    def load(self) -> Verdict | None:
        """Waits until the agent is imported. None: it is; else why it is not."""
        if self._is_loaded:
            return self.verdict
        box = self._opened()
        box.ready()
        try:
            self._take_answer(box, time.monotonic() + self.limits.startup_s)
        except Late:
            message = f"Importing the agent took longer than {self.limits.startup_s:g} seconds."
            self._fail(box, Verdict("startup_timeout", message))
        self._is_loaded = True
        self.load_seconds = time.monotonic() - self._started_at
        stdout, stderr = box.take_output()
        self.load_log = {"duration": self.load_seconds, "stdout": stdout, "stderr": stderr}
        return self.verdict

    def act(
        self, observation: dict[str, Any], configuration: dict[str, Any], deadline_s: float
    ) -> tuple[Any, Log]:
        """The agent's action, or an exception in its place. What it printed while it was
        imported stands at the head of its first log."""
        self.load()
        box = self._opened()
        started = time.monotonic()
        action: Any = None
        if self.verdict is None:
            try:
                box.refuse_early()
                self._ask(box, {"observation": observation, "configuration": configuration})
                action = self._take_answer(box, started + deadline_s).get("action")
            except WireError as error:
                self._fail(box, Verdict("protocol_error", str(error)))
            except Late:
                self._fail(box, _late(observation, configuration))
        duration = time.monotonic() - started
        log = self._log(box, duration)
        return (_fault(self.verdict) if self.verdict else action), log

    def status(self) -> dict[str, str]:
        """What the kernel says from outside about the process that plays."""
        return self._opened().status()

    def pids(self) -> tuple[int, int]:
        """The processes of the box; each leads a session of its own."""
        return self._opened().pids()

    def close(self) -> None:
        """Ends all of its processes. For good: another episode needs another box."""
        if self._box and not self._is_closed:
            self._box.close()
        self._is_closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> Box:
        if self._is_closed:
            raise BoxFailed("The box is closed.")
        if self._box is None:
            main = self.source / "main.py" if self.source.is_dir() else self.source
            if not main.is_file() or not (_is_readable(main) and _is_readable(self.source)):
                raise BoxFailed("The agent's main.py is missing or not readable for the box.")
            self._started_at = time.monotonic()
            self._box = Box(view_of(self.agent_python), self.source, self.hidden, self.limits)
            self._ask(self._box, {})
        return self._box

    def _ask(self, box: Box, question: dict[str, Any]) -> None:
        self._seq += 1
        box.send({"seq": self._seq, **question})

    def _take_answer(self, box: Box, deadline: float) -> dict[str, Any]:
        """The answer to the last question; an empty one, with a verdict, where it is a fault."""
        try:
            answer = box.receive(self._seq, deadline)
        except BadValue as error:
            return self._fail(box, Verdict("invalid_action", str(error)))
        except WireError as error:
            return self._fail(box, Verdict("protocol_error", str(error)))
        except Flood as flood:
            return self._fail(
                box, Verdict("output_limit", f"The agent {flood} more than is allowed.")
            )
        except Gone as gone:
            return self._fail(box, _gone(gone.status))
        if "fault" in answer:
            return self._fail(box, _reported(answer, self.limits, self._is_loaded))
        return answer

    def _fail(self, box: Box, verdict: Verdict) -> dict[str, Any]:
        box.kill()
        self.verdict = verdict
        return {}

    def _log(self, box: Box, duration: float) -> Log:
        stdout, stderr = box.take_output()
        if not self._has_acted:
            stdout, stderr = self.load_log["stdout"] + stdout, self.load_log["stderr"] + stderr
        self._has_acted = True
        detail = self.verdict.detail if self.verdict else ""
        return {"duration": duration, "stdout": stdout, "stderr": stderr + detail}


def _fault(verdict: Verdict) -> Exception:
    if verdict.code in {"move_timeout", "bank_exhausted", "startup_timeout"}:
        return DeadlineExceeded(verdict.message)
    return AgentFailed(verdict)


def _is_readable(path: Path) -> bool:
    """Whether the uid inside may read it: nobody's where the worker is root, else its own."""
    needed = 0o005 if path.is_dir() else 0o004
    return path.stat().st_mode & needed == needed if is_root() else os.access(path, os.R_OK)


def _late(observation: dict[str, Any], configuration: dict[str, Any]) -> Verdict:
    move_s = configuration.get("actTimeout") or 0
    bank_s = observation.get("remainingOverageTime") or 0
    if bank_s > 0:
        message = f"The move took longer than {move_s:g} s and the {bank_s:g} s left in the bank."
        return Verdict("bank_exhausted", message)
    return Verdict("move_timeout", f"The move took longer than its limit of {move_s:g} s.")


def _gone(status: int | None) -> Verdict:
    if status is None:
        return Verdict("protocol_error", "The agent closed the pipe that its answers go through.")
    if status in _SIGNALS:
        name = _SIGNALS[status]
        return Verdict("killed_by_signal", f"The agent's process was ended by {name}.")
    return Verdict("exited", f"The agent ended its own process with status {status}.")


# bubblewrap hands a signal on as a shell does.
_SIGNALS = {128 + number: number.name for number in signal.Signals}


def _reported(answer: dict[str, Any], limits: Limits, is_loaded: bool) -> Verdict:
    """The verdict on a fault that the process inside names; every word of it is a stranger's."""
    code, kind = str(answer["fault"]), _name(answer.get("type"))
    sentences = {
        "syntax_error": f"The source has a syntax error in line {_name(answer.get('line'))}.",
        "import_error": f"The agent imports {_name(answer.get('name'))}, which failed ({kind}).",
        "no_callable": "The source defines no function that could play.",
        "exception": f"{'The agent' if is_loaded else 'Importing the agent'} raised {kind}.",
        "out_of_memory": f"The agent needed more than {limits.memory_bytes // MIB} MiB of memory.",
        "exited": "The agent ended its own process.",
        "invalid_action": f"The agent returned {_words(answer.get('message'))}.",
    }
    if code not in sentences:
        return Verdict("protocol_error", "The answer names a fault that does not exist.")
    detail = str(answer.get("trace", "")).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Verdict(code, sentences[code], detail[:MAX_DETAIL])


def _name(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "", str(value))[:60] or "something"


def _words(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_.,' -]", "", str(value))[:120] or "what JSON cannot carry"
