"""A boxed agent as the engine sees it: load it, ask it for actions, learn why it failed."""

import re
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evaluation.agent import Log
from evaluation.errors import DeadlineExceeded
from evaluation.sandbox import keeper
from evaluation.sandbox.box import Box, Flood, Gone, Late
from evaluation.sandbox.clock import Reading
from evaluation.sandbox.errors import AgentFailed, AnswerRefused, BoxFailed
from evaluation.sandbox.files import read_bundle
from evaluation.sandbox.keeper import Wanted
from evaluation.sandbox.limits import KIB, MIB, Limits
from evaluation.sandbox.view import default_agent_python
from evaluation.sandbox.wire import BadValue, WireError
from evaluation.verdict import Verdict

MAX_DETAIL = 8000
# A crash of a process that held so much of its limit is put down to memory.
NEARLY_ALL = 0.8
_SIGNALS = {number.value: number.name for number in signal.Signals}
CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT}


class AgentProcess:
    """One boxed agent, fresh for one episode.

    source: a .py file or a folder that holds main.py. hidden: folders that must stay out of its
    sight, besides the project's, wherever they lie. bank_s: what it has for all moves beyond
    their limits, and for an import beyond its allowance. is_fair: whether it pays for its
    processor time, or for all time that passes. pondering: whether it runs in others' turns.
    Raises BoxFailed where the platform is at fault; the agent's own faults become `verdict`.
    """

    def __init__(
        self,
        source: Path,
        limits: Limits,
        *,
        wanted: Wanted | None = None,
        agent_python: Path | None = None,
        hidden: Sequence[Path] = (),
        bank_s: float = 0.0,
        is_fair: bool = True,
        pondering: bool = False,
    ) -> None:
        self.source = source.resolve()
        self.limits = limits
        self.wanted = wanted or Wanted(agent_python or default_agent_python(), tuple(hidden))
        self.bank_s, self.is_fair, self.pondering = bank_s, is_fair, pondering
        self.verdict: Verdict | None = None
        self.load_seconds = 0.0  # charged until it was imported
        self.load_log: Log = {"duration": 0.0, "stdout": "", "stderr": ""}
        self.answered: Any = None  # what it returned last
        self.used: list[Reading] = []  # by its import, then by each move
        self.level = ""  # of its box, once it has one
        self.is_held_up = False  # late by the wall, in time by the fair clock
        self._box: Box | None = None
        self._ended: Reading | None = None
        self._seq = 0
        self._is_loaded = False
        self._is_closed = False
        self._has_acted = False

    def start(self) -> None:
        """Has a box set up and returns at once, so that those of all seats are set up together.

        The agents are imported one after the other, each on its own clock.
        """
        self._opened()

    def load(self) -> Verdict | None:
        """Waits until the agent is imported. None: it is; else why it is not."""
        if self._is_loaded:
            return self.verdict
        box = self._opened()
        box.ready()
        start = box.read_clock()
        self._ask(box, {})
        try:
            self._take_answer(box, self.limits.startup_s + self.bank_s)
        except Late as late:
            message = f"Importing the agent took longer than its {self.limits.startup_s:g} s."
            self._fail(box, Verdict("startup_timeout", message), late)
        self._is_loaded = True
        used = (self._ended or box.read_clock()).since(start)
        self.used.append(used)
        self.load_seconds = box.charge(used)
        self._rest(box)
        stdout, stderr = box.take_output()
        self.load_log = {"duration": self.load_seconds, "stdout": stdout, "stderr": stderr}
        return self.verdict

    def act(
        self, observation: dict[str, Any], configuration: dict[str, Any], deadline_s: float
    ) -> tuple[Any, Log]:
        """The agent's action, or an exception in its place.

        What it printed while it was imported stands at the head of its first log; so does the
        time by which its import exceeded the allowance.
        """
        self.load()
        box = self._opened()
        start = self._ended or box.read_clock()
        action: Any = None
        if self.verdict is None:
            try:
                box.refuse_early()
                self._ask(box, {"observation": observation, "configuration": configuration})
                box.thaw()
                action = self._take_answer(box, deadline_s - self._overdraft()).get("action")
            except WireError as error:
                self._fail(box, Verdict("protocol_error", str(error)))
            except Late as late:
                self._fail(box, _late(observation, configuration), late)
        used = (self._ended or box.read_clock()).since(start)
        self._rest(box)
        log = self._log(box, used)
        self.answered = action
        return (_fault(self.verdict) if self.verdict else action), log

    @property
    def pid(self) -> int:
        """The process that plays, as this side numbers it."""
        return self._opened().pid

    def status(self) -> dict[str, str]:
        """What the kernel says from outside about the process that plays."""
        return self._opened().status()

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
            files = read_bundle(self.source)
            self._box = Box(keeper.lend(self.wanted), self.limits, is_fair=self.is_fair)
            self.level = self._box.level
            self._box.order(files)
        return self._box

    def _ask(self, box: Box, question: dict[str, Any]) -> None:
        self._seq += 1
        box.send({"seq": self._seq, **question})

    def _rest(self, box: Box) -> None:
        if not self.pondering and self.verdict is None:
            box.freeze()

    def _overdraft(self) -> float:
        """What its import took beyond the allowance; paid for by the first move's bank."""
        if self._has_acted:
            return 0.0
        return max(0.0, self.load_seconds - self.limits.startup_s)

    def _take_answer(self, box: Box, budget_s: float) -> dict[str, Any]:
        """The answer to the last question; an empty one, with a verdict, where it is a fault."""
        try:
            answer = box.receive(self._seq, budget_s)
        except BadValue as error:
            return self._fail(box, Verdict("invalid_action", str(error)))
        except WireError as error:
            return self._fail(box, Verdict("protocol_error", str(error)))
        except Flood as flood:
            return self._fail(
                box, Verdict("output_limit", f"The agent {flood} more than is allowed.")
            )
        except Gone as gone:
            return self._fail(box, _gone(gone, self.limits))
        if "fault" in answer:
            return self._fail(box, _reported(answer, self.limits, self._is_loaded))
        return answer

    def _fail(self, box: Box, verdict: Verdict, late: Late | None = None) -> dict[str, Any]:
        """Its clock is read before it is killed: dying on a busy machine takes time as well."""
        self._ended = late.at if late else box.read_clock()
        self.is_held_up = bool(late and late.is_held_up)
        box.kill()
        self.verdict = verdict
        return {}

    def _log(self, box: Box, used: Reading) -> Log:
        self.used.append(used)
        stdout, stderr = box.take_output()
        duration = box.charge(used) + self._overdraft()
        if not self._has_acted:
            stdout, stderr = self.load_log["stdout"] + stdout, self.load_log["stderr"] + stderr
        self._has_acted = True
        detail = self.verdict.detail if self.verdict else ""
        return {
            "duration": duration,
            "stdout": stdout,
            "stderr": stderr + detail,
            "wall": used.wall,
            "cpu": used.cpu,
            "delay": used.delay,
        }


def _fault(verdict: Verdict) -> Exception:
    if verdict.code in {"move_timeout", "bank_exhausted", "startup_timeout"}:
        return DeadlineExceeded(verdict.message)
    if verdict.code in {"invalid_action", "protocol_error"}:
        return AnswerRefused(verdict)
    return AgentFailed(verdict)


def _late(observation: dict[str, Any], configuration: dict[str, Any]) -> Verdict:
    move_s = configuration.get("actTimeout") or 0
    bank_s = observation.get("remainingOverageTime") or 0
    if bank_s > 0:
        message = f"The move took longer than {move_s:g} s and the {bank_s:g} s left in the bank."
        return Verdict("bank_exhausted", message)
    return Verdict("move_timeout", f"The move took longer than its limit of {move_s:g} s.")


def _gone(gone: Gone, limits: Limits) -> Verdict:
    status = gone.status
    if status is None:
        return Verdict("protocol_error", "The agent closed the pipe that its answers go through.")
    if status >= 0:
        return Verdict("exited", f"The agent ended its own process with status {status}.")
    held = f"It held {gone.max_kib // KIB} MiB of memory at most."
    if -status in CRASHES and gone.max_kib * KIB >= NEARLY_ALL * limits.memory_bytes:
        return Verdict("out_of_memory", _too_much(limits), held)
    name = _SIGNALS.get(-status, f"signal {-status}")
    if name == "SIGSYS":
        return Verdict("forbidden_call", "The agent made a system call of a foreign kind.")
    return Verdict("killed_by_signal", f"The agent's process was ended by {name}.", held)


def _too_much(limits: Limits) -> str:
    return f"The agent needed more than {limits.memory_bytes // MIB} MiB of memory."


def _reported(answer: dict[str, Any], limits: Limits, is_loaded: bool) -> Verdict:
    """The verdict on a fault that the process inside names; every word of it is a stranger's."""
    code, kind = str(answer["fault"]), _name(answer.get("type") or "")
    sentences = {
        "syntax_error": f"The source has a syntax error in line {_name(answer.get('line'))}.",
        "import_error": f"The agent imports {_name(answer.get('name'))}, which failed ({kind}).",
        "no_callable": "The source defines no function that could play.",
        "exception": f"{'The agent' if is_loaded else 'Importing the agent'} raised {kind}.",
        "out_of_memory": _too_much(limits),
        "forbidden_call": f"The agent did what its box forbids ({kind}).",
        "exited": "The agent ended its own process.",
        "invalid_action": f"The agent's action cannot be sent: {_words(answer.get('message'))}.",
    }
    if code not in sentences:
        return Verdict("protocol_error", "The answer names a fault that does not exist.")
    detail = str(answer.get("trace", "")).replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Verdict(code, sentences[code], detail[:MAX_DETAIL])


def _name(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "", str(value))[:60] or "something"


def _words(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_.,' -]", "", str(value))[:120] or "what JSON cannot carry"
