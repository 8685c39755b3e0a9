"""A league of real processes under supervision, and a way to read and write its database."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dj_database_url
from django.db import connections

from evaluation import broker
from league.models import Competition, Ladder, Match, Submission
from tests.chaos.names import SLUG, SUBMIT_PATH
from tests.chaos.supervisor import Supervisor
from tests.e2e.league_process import free_port
from tests.stack import PROJECT, Stack, wait_for

# The name under which this process knows the league's database: never the one of other tests.
DATABASE = "chaos"
WORKERS = ("evaluation-1", "evaluation-2")
NAMES = ("redis", "web", "league", "beat", *WORKERS)
QUEUES = (*broker.QUEUES, "league")
GENERATIONS = 4  # the child that plays, the box, its init, the zygote
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class League:
    """Redis, web, league worker, beat and two evaluation workers; whoever dies starts again."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.stack = Stack(folder, database_url, free_port())
        self.supervisor = Supervisor(self.stack)
        self.tokens: dict[str, str] = {}
        self.is_uploading = threading.Event()
        self.old_messages: list[tuple[str, str]] = []
        self._began = time.monotonic()
        _connect(database_url)

    def populate(self, module: str, *words: str) -> Any:
        """Redis runs, and this module fills the database; what it printed."""
        self.stack.start("redis")
        return json.loads(self.run("-m", module, *words))

    def start(self) -> None:
        """All the others."""
        self.stack.start(*NAMES[1:])
        self.supervisor.start()

    def run(self, *words: str, text: str = "") -> str:
        """Runs Python in the league's environment, and returns what it printed."""
        done = subprocess.run(
            [sys.executable, *words], cwd=PROJECT, env=self.stack.environment("web"),
            input=text, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def note(self, what: str) -> None:
        """For the report of a test that fails."""
        print(f"{time.monotonic() - self._began:6.1f} s  {what}")

    def close(self) -> None:
        self.supervisor.stop()
        self.stack.close()
        connections[DATABASE].close()
        del connections[DATABASE]

    # Processes

    def children_of(self, name: str) -> list[int]:
        return _children_of([self.stack.processes[name].pid])

    def own_processes_of(self, name: str) -> list[int]:
        """What an evaluation worker has started, down to the zygotes; not the agents."""
        generations = [self.children_of(name)]
        while len(generations) < GENERATIONS:
            generations.append(_children_of(generations[-1]))
        return [pid for generation in generations for pid in generation]

    @contextmanager
    def standing_still(self, *names: str) -> Iterator[None]:
        """These processes take no message in the meantime, so that queues fill up."""
        stopped = [self.stack.processes[name] for name in names]
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                process.send_signal(signal.SIGCONT)

    def wait_until_up(self) -> None:
        """Every process that was killed has been started again, and Redis answers."""
        wait_for(self._is_up, 60, "the supervisor to start what was killed")

    def _is_up(self) -> bool:
        processes = [self.stack.processes.get(name) for name in NAMES]
        return all(p and p.poll() is None for p in processes) and self.stack.redis_answers()

    # What it holds

    @property
    def messages(self) -> list[tuple[str, str]]:
        """(queue, body) of every message that waits."""
        client = self.stack.client()
        return [(queue, body) for queue in QUEUES for body in client.lrange(queue, 0, -1)]

    def remember_messages(self) -> None:
        """Those that wait now, to be delivered once more when they are long done."""
        self.old_messages += self.messages

    def rows(self, model: Any) -> Any:
        return model.objects.using(DATABASE)

    @property
    def competition(self) -> Competition:
        return self.rows(Competition).get(slug=SLUG)

    def count_rated(self) -> int:
        return self.rows(Match).filter(purpose="rated").count()

    def stop_pairing(self) -> None:
        """From now on every entrant has played enough."""
        self.rows(Competition).update(max_matches=0)

    def is_quiet(self) -> bool:
        """Nothing is under way: every match, validation, message and fit has come to its end."""
        depths = [self.stack.client().llen(queue) for queue in QUEUES]
        return not any(depths) and not self.unfinished()

    def unfinished(self) -> list[str]:
        """What is not at its end, for a report."""
        matches = self.rows(Match).filter(state__in=("QUEUED", "DISPATCHED"))
        waiting = self.rows(Submission).filter(status__in=("PENDING", "VALIDATING"))
        found = [f"{match} {match.state}" for match in matches]
        found += [f"submission {row.pk} {row.status}" for row in waiting]
        return found + [f"{row.pk}: fit" for row in self.rows(Ladder) if not is_fitted(row)]

    # What its people do

    def upload(self, name: str, source: str, key: str) -> int:
        """One request to send an agent in; the submission's id. OSError if it is not taken."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.port}{SUBMIT_PATH}",
            json.dumps({"source": source}).encode(),
            {
                "Authorization": f"Bearer {self.tokens[name]}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
        )
        self.is_uploading.set()
        try:
            with _opener.open(request, timeout=30) as answer:
                return int(json.load(answer)["id"])
        finally:
            self.is_uploading.clear()


def _children_of(pids: list[int]) -> list[int]:
    found: list[int] = []
    for path in (path for pid in pids for path in Path(f"/proc/{pid}/task").glob("*/children")):
        with suppress(OSError):  # it has ended meanwhile
            found += map(int, path.read_text().split())
    return found


def is_fitted(ladder: Ladder) -> bool:
    fitted = (ladder.fitted_position, ladder.fitted_revision)
    is_current = fitted == (ladder.logged_position, ladder.revision)
    return is_current and not ladder.is_rebuild_due and ladder.fitting_until is None


def _connect(database_url: str) -> None:
    settings = {"default": dj_database_url.parse(database_url)}
    if database_url.startswith("sqlite"):
        settings["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 60}
    connections.databases[DATABASE] = connections.configure_settings(settings)["default"]
