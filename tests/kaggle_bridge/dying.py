"""`python -m tests.kaggle_bridge.dying RUN`: imports, killed before each line in turn.

The lines are those of `entrants`. Prints how often it was killed before it came to the end.
"""

import os
import signal
import sys
from typing import Any

import django

django.setup()

from kaggle_bridge import entrants  # noqa: E402
from kaggle_bridge.models import TrainingRun  # noqa: E402


def main() -> None:
    run, deaths = int(sys.argv[1]), 0
    while dies_before(deaths + 1, run):
        deaths += 1
    print(deaths)


def dies_before(line: int, run: int) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            sys.settrace(death(line))
            entrants.import_next(TrainingRun.objects.get(pk=run))
        finally:
            os._exit(sys.exc_info()[0] is not None)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def death(lines: int) -> Any:
    """A tracer that is the end of the process after so many lines of `entrants`."""
    left = lines

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename != entrants.__file__:
            return None
        left -= event == "line"
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


if __name__ == "__main__":
    main()
