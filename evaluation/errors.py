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
