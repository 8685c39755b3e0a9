"""Ends the league with the `make` that started it, also where make keeps the signal to itself.

Ctrl-C reaches make and us alike. But a stop button or a script signals make alone; make then waits
for us without a word (it passes on SIGTERM only), and a killed make leaves us behind.
"""

import os
import re
import signal
import threading
import time
from pathlib import Path

POLL_S = 1.0
ENDING = (1 << (signal.SIGINT - 1)) | (1 << (signal.SIGHUP - 1))


def end_with_make() -> None:
    make = os.getppid()
    if name_of(make) in {"make", "gmake"}:
        threading.Thread(target=_watch, args=(make, caught(make)), daemon=True).start()


def _watch(make: int, at_start: int) -> None:
    while os.getppid() == make and caught(make) & at_start & ENDING == at_start & ENDING:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def caught(pid: int) -> int:
    """The signals that a process has handlers for; make drops its own once it is told to end."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    mask = re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
    return int(mask[1], 16) if mask else 0
