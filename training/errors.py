"""What training raises. Each error is one sentence for the person who started the run."""


class TrainingError(Exception):
    """Base of the trainer's own errors; `code` is the exit code of the command."""

    code = 1

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class ConfigError(TrainingError, ValueError):
    """A configuration, option or name that cannot be used."""

    code = 2


class Refused(TrainingError):
    """A run that must not start here: another config, no device, a folder in use."""

    code = 2


class NoMemory(Refused):
    """A run that needs more memory than there is."""
