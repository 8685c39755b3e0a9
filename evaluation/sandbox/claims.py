"""Names that one process on this machine can hold, and that go with it however it ends."""

import socket


def claim(name: str) -> socket.socket | None:
    """Held until the socket is closed; None where another process has it."""
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        held.bind(f"\0palaestra-{name}")
    except OSError:
        held.close()
        return None
    return held
