"""What the engine raises, under the names of kaggle-environments. Each carries one sentence."""


class EngineError(Exception):
    """Base of the engine's own errors."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class InvalidArgument(EngineError, ValueError):
    """A specification, configuration, action or name that cannot be used."""


class FailedPrecondition(EngineError, RuntimeError):
    """A call that does not fit the state of the episode."""


class NotFound(EngineError, FileNotFoundError):
    """A file that is not there."""


class DeadlineExceeded(EngineError, TimeoutError):
    """A move or an episode took too long; `seat` is the place that used the time, where known."""

    def __init__(self, message: str = "", seat: int | None = None) -> None:
        super().__init__(message)
        self.seat = seat


class InvalidAction(InvalidArgument):
    """Given in place of an action: an answer came, and it cannot be one."""


def status_of(kind: type[BaseException]) -> str:
    """The status of a seat that gave an exception of this kind in place of an action."""
    if issubclass(kind, DeadlineExceeded):
        return "TIMEOUT"
    return "INVALID" if issubclass(kind, InvalidAction) else "ERROR"
