"""What stops a start: one sentence for the person at the terminal."""


class StartError(Exception):
    """The league cannot start as it is told to."""
