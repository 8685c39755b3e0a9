"""Drives a run and is killed at a call: `python -m tests.kaggle_bridge.doomed RUN WHEN NUMBER`.

NUMBER: of the call, from 1. WHEN: `before` it is made, `after` its answer has come, or `during` it,
by a clock. Exit code 0: the run is over.
"""

import os
import random
import signal
import sys
import threading
import time
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "league.settings"
django.setup()

from kaggle_bridge import driver  # noqa: E402
from kaggle_bridge.client import process as client_process  # noqa: E402
from kaggle_bridge.models import TrainingRun  # noqa: E402


def main() -> int:
    run_id, when, number = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    client_process.run = cut(client_process.run, when, number)
    while True:
        driver.advance(run_id)
        run = TrainingRun.objects.get(pk=run_id)
        if run.ended:
            return 0
        run.keep(waits_until=None)
        time.sleep(0.05)


def cut(call: Any, when: str, number: int) -> Any:
    count = 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == number and when == "before":
            die()
        if count == number and when == "during":
            threading.Timer(random.uniform(0.1, 1.5), die).start()
        answer = call(*arguments)
        if count == number:
            die()
        return answer

    return counted


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
