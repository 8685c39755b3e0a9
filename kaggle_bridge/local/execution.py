"""One kernel version as a process: its folders, its environment, its time, its end."""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from kaggle_bridge.local import guardian
from kaggle_bridge.local.spool import Job, Spool, Stage, State, Unreadable, Version, remove

LOOK_S = 0.2
GRACE_S = 30.0  # in which a trainer that was asked to stop saves
WORKER_GRACE_S = 6.0  # the same where the worker itself has to end
KILL_S = 8.0
CHUNK_BYTES = 1 << 16
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "TZ")
# A notebook has no __file__.
RUN_NOTEBOOK = (
    "import sys; exec(compile(open(sys.argv.pop(1), encoding='utf-8').read(), 'notebook', 'exec'),"
    " {'__name__': '__main__'})"
)

TIME_IS_UP = "The session's time of {:g} s was up."
STOPPED = "It was stopped as asked."
STOPPED_WITH_WORKER = "It was stopped with the worker."


@dataclass(frozen=True)
class End:
    """Why a kernel is being ended, and when it is ended by force (monotonic seconds)."""

    stage: Stage
    message: str
    forced_at: float


class Execution:
    """tick: called several times a second. is_stopping: whether the worker has to end."""

    def __init__(
        self,
        spool: Spool,
        version: Version,
        tick: Callable[[], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        self.spool = spool
        self.version = version
        self.tick = tick
        self.is_stopping = is_stopping
        self.log = version.log
        self.end: End | None = None

    def run(self) -> State:
        """The state that it ends in; raises nothing that is the job's own fault."""
        try:
            job = self.version.job()
            command = self.prepare(job)
            code = self.execute(command, job.timeout_s)
        except Unreadable as error:
            return State(Stage.ERROR, f"It could not be started: {error}")
        except OSError as error:  # its text would name a path
            return State(Stage.ERROR, f"It could not be run: {error.strerror}.")
        finally:
            self.tidy()
        if self.end is not None:
            return State(self.end.stage, self.end.message)
        return State(Stage.ERROR, told(code)) if code else State(Stage.COMPLETE)

    def prepare(self, job: Job) -> list[str]:
        for folder in (self.version.working, self.version.root / "input", self.version.scratch):
            folder.mkdir(parents=True, exist_ok=True)
        for name in job.inputs:
            mount(self.spool, name, self.version.root / "input")
        kernel = self.version.kernel
        if kernel.suffix != ".ipynb":
            return [sys.executable, "-u", str(kernel)]
        script = self.version.scratch / "notebook.py"
        script.write_text(code_cells(kernel.read_bytes()), encoding="utf-8")
        return [sys.executable, "-u", "-c", RUN_NOTEBOOK, str(script)]

    def execute(self, command: list[str], timeout_s: float) -> int:
        """Its exit code, once nothing of it is left."""
        ends_at = time.monotonic() + timeout_s
        guard = [sys.executable, "-I", "-S", guardian.__file__, str(os.getpid())]
        process = subprocess.Popen(
            [*guard, *command],
            cwd=self.version.working,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        try:
            self.follow(process, process.stdout.fileno(), ends_at, timeout_s)
        finally:
            if process.poll() is None:
                kill(process)
            end_all_of(self.version.folder)
        with process.stdout:
            self.read_rest(process.stdout.fileno())
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def follow(
        self, process: "subprocess.Popen[bytes]", output: int, ends_at: float, timeout_s: float
    ) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while process.poll() is None:
                self.read(output, selector)
                self.tick()
                self.look(process, ends_at, timeout_s)

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        scratch = str(self.version.scratch)
        return kept | {
            "PALAESTRA_KAGGLE_ROOT": str(self.version.root),
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
        }

    def read(self, descriptor: int, selector: selectors.BaseSelector) -> None:
        if not selector.select(LOOK_S):
            return
        content = os.read(descriptor, CHUNK_BYTES)
        if content:
            self.log.write(content)
        else:  # closed, though it runs on
            time.sleep(LOOK_S)

    def read_rest(self, descriptor: int) -> None:
        with suppress(BlockingIOError):
            while content := os.read(descriptor, CHUNK_BYTES):
                self.log.write(content)

    def look(self, process: "subprocess.Popen[bytes]", ends_at: float, timeout_s: float) -> None:
        """Whether it has to end, and whether it has had its grace."""
        now = time.monotonic()
        if self.end is None:
            self.end = self.reason(now, now >= ends_at, timeout_s)
            if self.end is not None:
                process.terminate()
        elif self.is_stopping():
            self.end = replace(self.end, forced_at=min(self.end.forced_at, now + WORKER_GRACE_S))
        if self.end is not None and now >= self.end.forced_at:
            kill(process)

    def reason(self, now: float, is_late: bool, timeout_s: float) -> End | None:
        if self.version.is_asked_to_stop():
            return End(Stage.CANCELLED, STOPPED, now + GRACE_S)
        if self.is_stopping():
            return End(Stage.ERROR, STOPPED_WITH_WORKER, now + WORKER_GRACE_S)
        if is_late:
            return End(Stage.ERROR, TIME_IS_UP.format(timeout_s), now + GRACE_S)
        return None

    def tidy(self) -> None:
        """What a session at Kaggle would lose, too."""
        remove(self.version.scratch)
        remove(self.version.root / "input")


def mount(spool: Spool, name: str, into: Path) -> None:
    """A copy of a dataset's version, which nobody is to write to."""
    source = spool.dataset(name)
    if source is None:
        raise Unreadable(f"The dataset {name} is not there.")
    target = into / source.parent.name
    target.mkdir()
    for path in source.iterdir():
        copy = target / path.name
        shutil.copyfile(path, copy)
        copy.chmod(0o444)
    target.chmod(0o555)


def code_cells(notebook: bytes) -> str:
    try:
        cells = json.loads(notebook)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return "\n\n".join("".join(source) for source in sources)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable("kernel.ipynb is not a notebook.") from None


def told(code: int) -> str:
    """An exit code in words."""
    names = {128 + number: number.name for number in signal.Signals}
    text = f"The kernel ended with exit code {code}"
    if code == 128 + signal.SIGKILL:
        return f"{text} (SIGKILL): the machine may have run out of memory."
    return f"{text} ({names[code]})." if code in names else f"{text}."


def kill(process: "subprocess.Popen[bytes]") -> None:
    """The guardian ends all that is below it; then it is ended itself."""
    process.send_signal(signal.SIGHUP)
    try:
        process.wait(KILL_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_all_of(folder: Path) -> None:
    """Kills every process of ours whose environment names this folder, until none is left."""
    deadline = time.monotonic() + KILL_S
    while (found := processes_of(folder)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def processes_of(folder: Path) -> list[int]:
    marked = b"=" + os.fsencode(folder) + b"/"
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if marked in env(pid)]


def env(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
