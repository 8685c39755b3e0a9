"""User ids that nobody else has: each box of a worker that runs as root gets one to itself.

Limits on threads count per uid, so two boxes must not share one.
"""

import random
from typing import Any

from evaluation.sandbox.claims import claim
from evaluation.sandbox.errors import BoxFailed

# Not given to anybody by Debian or systemd, and below what a container usually maps.
UNUSED = range(60600, 61112)


class Uid:
    """Held until released or until this process dies, whatever other workers run here."""

    def __init__(self) -> None:
        start = random.randrange(len(UNUSED))
        for offset in range(len(UNUSED)):
            self.number = UNUSED[(start + offset) % len(UNUSED)]
            if held := claim(f"uid-{self.number}"):
                self._held = held
                return
        raise BoxFailed("All user ids for boxes are taken.")

    def release(self) -> None:
        self._held.close()


def as_user(uid: int) -> dict[str, Any]:
    """How a process of root starts another one under this uid: options of subprocess."""
    return {"user": uid, "group": uid, "extra_groups": []}
