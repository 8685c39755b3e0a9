"""What the person at the terminal reads: few lines, and never a reason to stop."""

import os
import time
from contextlib import suppress


def say(line: str) -> None:
    """Written at once, so a signal handler may call it; a closed terminal is not an error."""
    with suppress(OSError):
        os.write(1, f"{line}\n".encode())


def warn(line: str) -> None:
    say(f"{time.strftime('%H:%M:%S')}  {line}")
