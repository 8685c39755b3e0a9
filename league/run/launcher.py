"""Becomes one process of the league: with its own variables only, and dying with its supervisor.

Started as a file by `python -I -S`, so it imports nothing but the standard library.
"""

import ctypes
import json
import os
import sys
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PARENT = "PALAESTRA_PARENT"
START_INTERVAL_S = 3.0


def main() -> None:
    name = sys.argv[1]
    run_dir = Path(os.environ["DATA_DIR"]) / "run"
    plan = json.loads((run_dir / "processes.json").read_text(encoding="utf-8"))[name]
    die_with_parent(plan["death_signal"])
    pause_after_crash(run_dir / f"{name}.started")
    os.nice(plan["niceness"])
    os.chdir(plan["directory"])
    os.execve(plan["argv"][0], plan["argv"], environment(plan))


def die_with_parent(signal_number: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != int(os.environ[PARENT]):  # it died before we could ask
        sys.exit(1)


def pause_after_crash(mark: Path) -> None:
    """Starts again at once, but not more often than every few seconds, however long it crashes."""
    if mark.exists():
        since_start_s = time.time() - mark.stat().st_mtime
        time.sleep(min(START_INTERVAL_S, max(0.0, START_INTERVAL_S - since_start_s)))
    mark.touch()


def environment(plan: dict[str, Any]) -> dict[str, str]:
    """The variables that this process may see; a supervisor hands its own id to its children."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if any(fnmatchcase(name, pattern) for pattern in plan["variables"])
    }
    return kept | {PARENT: str(os.getpid())} if PARENT in kept else kept


if __name__ == "__main__":
    main()
