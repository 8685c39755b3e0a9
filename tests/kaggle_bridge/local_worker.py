"""A training worker of a test's own, and what is sent to it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from kaggle_bridge.backend import ENDED, Job, Pushed, Stage, Status
from kaggle_bridge.backends.local import LocalBackend
from tests.stack import PROJECT, wait_for


class Bench:
    """A data folder, its backend, and workers; `close` ends them."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.backend = LocalBackend(data_dir)
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self) -> "subprocess.Popen[bytes]":
        """With one variable that no kernel is to see."""
        env = {"PATH": os.environ["PATH"], "DATA_DIR": str(self.data_dir), "SECRET_KEY": "s"}
        with (self.data_dir / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "kaggle_bridge.local.worker"],
                cwd=PROJECT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.workers.append(worker)
        return worker

    def push(self, source: str, slug: str = "kernel", **more: object) -> Pushed:
        return self.backend.push(job(source, slug, **more))

    def status(self, pushed: Pushed) -> Status:
        return self.backend.status(pushed.ref, pushed.version)

    def log(self, pushed: Pushed) -> str:
        return self.backend.log(pushed.ref, pushed.version)

    def wait(self, pushed: Pushed, *stages: Stage) -> Status:
        def reached() -> Status | None:
            status = self.status(pushed)
            return status if status.stage in (stages or ENDED) else None

        found: Status = wait_for(reached, 15, f"{stages}\n{self.said()}")
        return found

    def wait_for_line(self, pushed: Pushed, line: str) -> None:
        wait_for(lambda: line in self.log(pushed).splitlines(), 15, f"{line}\n{self.said()}")

    def run(self, source: str, **more: object) -> tuple[Status, str]:
        pushed = self.push(source, **more)
        return self.wait(pushed), self.log(pushed)

    def folder(self, pushed: Pushed) -> Path:
        kernels = self.data_dir / "training" / "spool" / "kernels"
        return kernels / pushed.ref.partition("/")[2] / str(pushed.version)

    def said(self) -> str:
        return (self.data_dir / "worker.log").read_text()

    def close(self) -> None:
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            worker.wait(20)


def job(source: str, slug: str = "kernel", **more: object) -> Job:
    fields = {"token": "token", "accelerator": "cpu", "timeout_s": 60} | more
    return Job(f"local/{slug}", slug, source, **fields)
