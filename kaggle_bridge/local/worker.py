"""The training worker: runs the kernels that wait in the spool, one at a time.

`python -m kaggle_bridge.local.worker`. It needs DATA_DIR and nothing else: no Django, no
database, no Redis, no secret. Of several on one spool one works, the others wait to take its place.
"""

import fcntl
import logging
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

from kaggle_bridge.local.execution import Execution, end_all_of
from kaggle_bridge.local.pruning import prune
from kaggle_bridge.local.spool import Spool, Stage, State, Unreadable, Version, remove

logger = logging.getLogger(__name__)

LOOK_S = 0.3
FAULT_S = 2.0
WRITE_TRIES = 5
BEAT_S = 1.0
PRUNE_S = 3600.0
LEFT_BEHIND = "The training worker was stopped."
STOPPED_BEFORE = "It was stopped before it began."
LOST_STATE = "Its state was lost on the disk."


class Worker:
    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.is_stopping = False
        self.ended: set[Path] = set()
        self.unusable: set[Path] = set()
        self.beat_at = self.prune_at = 0.0

    def stop(self, number: int, frame: FrameType | None) -> None:
        self.is_stopping = True

    def run(self) -> None:
        """Returns once it was told to stop."""
        self.spool.folder.mkdir(parents=True, exist_ok=True)
        with (self.spool.folder / "lock").open("a") as lock:
            while not self.is_stopping and not has_locked(lock.fileno()):
                time.sleep(LOOK_S)
            logger.info("waits for kernels")
            while not self.is_stopping:
                self.turn()

    def turn(self) -> None:
        """Runs the oldest version that waits, or waits itself; a fault of the disk passes."""
        try:
            self.beat()
            self.prune()
            version = self.next()
            if version is not None:
                self.handle(version)
                return
            time.sleep(LOOK_S)
        except OSError:
            logger.exception("the spool cannot be used")
            time.sleep(FAULT_S)

    def next(self) -> Version | None:
        """The oldest queued one. What is neither queued nor ended was left by an earlier worker."""
        fresh = [each for each in self.spool.versions() if each.folder not in self.ended]
        return min((each for each in fresh if self.is_queued(each)), key=age, default=None)

    def is_queued(self, version: Version) -> bool:
        """One that cannot be looked at stops no other."""
        try:
            state = read_state(version)
        except OSError as error:
            if version.folder not in self.unusable:
                logger.warning("%s/%d cannot be used: %s", version.slug, version.number, error)
            self.unusable.add(version.folder)
            return False
        if state.stage == Stage.RUNNING:
            self.give_up(version, state)
        elif state.stage != Stage.QUEUED:
            self.ended.add(version.folder)
        return state.stage == Stage.QUEUED

    def give_up(self, version: Version, state: State) -> None:
        """Ends what may still run of it; its output stays."""
        end_all_of(version.folder)
        remove(version.scratch)
        self.finish(version, State(Stage.ERROR, state.message or LEFT_BEHIND, state.started))

    def handle(self, version: Version) -> None:
        """`stop` is looked for again after RUNNING is written: see LocalBackend.status."""
        started = time.time()
        if not version.is_asked_to_stop():
            version.set_state(State(Stage.RUNNING, started=started))
        if version.is_asked_to_stop():
            self.finish(version, State(Stage.CANCELLED, STOPPED_BEFORE))
            return
        logger.info("%s/%d runs", version.slug, version.number)
        state = Execution(self.spool, version, self.beat, lambda: self.is_stopping).run()
        self.finish(version, replace(state, started=started))

    def finish(self, version: Version, state: State) -> None:
        """Where this cannot be written the successor gives it up."""
        self.ended.add(version.folder)
        logger.info("%s/%d: %s %s", version.slug, version.number, state.stage, state.message)
        for _ in range(WRITE_TRIES):
            try:
                version.set_state(replace(state, ended=time.time()))
            except OSError as error:
                logger.error("its end cannot be written: %s", error)
                time.sleep(FAULT_S)
            else:
                return

    def beat(self) -> None:
        """A full disk hides the worker, and ends nothing."""
        if time.monotonic() - self.beat_at >= BEAT_S or not self.beat_at:
            self.beat_at = time.monotonic()
            with suppress(OSError):
                self.spool.beat()

    def prune(self) -> None:
        if time.monotonic() - self.prune_at >= PRUNE_S or not self.prune_at:
            self.prune_at = time.monotonic()
            prune(self.spool, time.time())


def read_state(version: Version) -> State:
    """A state that cannot be read counts as running: nobody knows how it ended."""
    try:
        return version.state()
    except Unreadable:
        return State(Stage.RUNNING, LOST_STATE)


def age(version: Version) -> tuple[int, str, int]:
    """To sort by. What cannot be read comes first, and fails at once."""
    try:
        pushed_ns = version.job().pushed_ns
    except (Unreadable, OSError):
        pushed_ns = 0
    return pushed_ns, version.slug, version.number


def has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    project = Path(__file__).resolve().parents[2]
    data_dir = Path(os.environ.get("DATA_DIR") or project / "var").absolute()
    worker = Worker(Spool(data_dir))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, worker.stop)
    worker.run()


if __name__ == "__main__":
    main()
