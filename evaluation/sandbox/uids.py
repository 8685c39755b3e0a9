"""User ids that nobody else has: each box of a worker that runs as root gets one to itself.

Limits on threads count per uid, so two boxes must not share one.
"""

import random
import socket

from evaluation.sandbox.errors import BoxFailed

# Not given to anybody by Debian or systemd, and below what a container usually maps.
UNUSED = range(60600, 61112)


class Uid:
    """Held until released or until this process dies, whatever other workers run here."""

    def __init__(self) -> None:
        self._claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.number = self._take()

    def _take(self) -> int:
        start = random.randrange(len(UNUSED))
        for offset in range(len(UNUSED)):
            number = UNUSED[(start + offset) % len(UNUSED)]
            try:
                self._claim.bind(f"\0palaestra-uid-{number}")
            except OSError:
                continue
            return number
        self._claim.close()
        raise BoxFailed("All user ids for boxes are taken.")

    def release(self) -> None:
        self._claim.close()
