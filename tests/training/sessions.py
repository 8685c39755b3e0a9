"""Kernels as a place runs them: the built file, a root with `input` and `working`, a process."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kaggle_bridge import kernel, kernel_log
from kaggle_bridge.kernel import Order, Resume
from tests.training import tiny

QUICK = {**tiny.CONFIG, "total_steps": 3000, "evaluate_interval": 0}
ENDLESS = {**QUICK, "total_steps": 1_000_000_000}
RUN = 7


def order(config: Mapping[str, Any] = QUICK, **changes: Any) -> Order:
    given = {"run": RUN, "session": 1, "token": "0123abcd", "accelerator": "cpu", "session_s": 3600}
    return Order(**{**given, "config": config, **changes})


class Session:
    """A kernel as a process of its own, in a root of its own."""

    def __init__(
        self,
        folder: Path,
        cache: Path,
        told: Order,
        is_notebook: bool = False,
        python: str = sys.executable,
    ) -> None:
        self.root, self.working = folder, folder / "working"
        for name in ("input", "working", "tmp"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        built = kernel.build(told, is_notebook)
        file = folder / ("kernel.ipynb" if is_notebook else "kernel.py")
        file.write_text(built.source, encoding="utf-8")
        command = [python, str(file)]
        if is_notebook:
            command = [python, str(Path(__file__).with_name("notebook.py")), str(file)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.popen = subprocess.Popen(
            command,
            cwd=self.working,
            env=environment
            | tiny.variables(cache, optimised=False)
            | {"PALAESTRA_KAGGLE_ROOT": str(folder), "TMPDIR": str(folder / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._printed = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self._printed += line

    @property
    def log(self) -> kernel_log.Log:
        return kernel_log.parse(self._printed.decode())

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.log.events if event["kind"] == kind]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self.popen.poll() is None, self.log.text
            assert time.monotonic() < end, self.log.text
            time.sleep(0.01)

    def wait_for_event(self, kind: str, count: int = 1) -> None:
        self.wait_for(lambda: len(self.events(kind)) >= count)

    def end(self) -> int:
        """Its exit code, and nothing of it left but its output."""
        code = self.popen.wait(200)
        self._reader.join(10)
        return code

    def kill_all(self) -> None:
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.end()

    def trainer(self) -> int:
        """The process id of the one that trains."""
        found = subprocess.run(
            ["pgrep", "-s", str(self.popen.pid), "-f", "training.trainer"],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(found.stdout)

    @property
    def manifest(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.working / "manifest.json").read_text())
        return data

    @property
    def result(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.working / "result.json").read_text())
        return data

    def verified(self) -> dict[str, Any]:
        """The manifest, every file of which is as it says."""
        manifest = self.manifest
        for name, entry in manifest["files"].items():
            content = (self.working / name).read_bytes()
            assert entry["size_bytes"] == len(content), name
            assert entry["sha256"] == hashlib.sha256(content).hexdigest(), name
        return manifest

    @property
    def newest(self) -> Path:
        """The one checkpoint to go on from."""
        (name,) = [name for name in self.verified()["files"] if name.startswith("resume/")]
        return self.working / name


def complete(folder: Path, cache: Path, told: Order) -> Session:
    session = Session(folder, cache, told)
    assert session.end() == 0, session.log.text
    return session


def give(root: Path, checkpoint: Path, layout: str = "palaestra-7", **marked: Any) -> Resume:
    """A checkpoint as the bridge sends it, among the inputs of a session that comes."""
    folder = root / "input" / layout
    folder.mkdir(parents=True)
    step = int(checkpoint.stem.rpartition("_")[2])
    sha256 = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    marker = {"run": RUN, "step": step, "sha256": sha256, "file": f"step_{step}.safetensors"}
    shutil.copyfile(checkpoint, folder / f"step_{step}.safetensors")
    (folder / "palaestra-resume.json").write_text(json.dumps({**marker, **marked}))
    return Resume(step, sha256)
