"""What a verb raises when a request cannot be carried out; the middleware shows it."""


class LeagueError(Exception):
    """One sentence for the person, a code for programs, an HTTP status."""

    status = 400

    def __init__(self, message: str, code: str = "bad_request", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status or type(self).status


class NotFound(LeagueError):
    status = 404

    def __init__(self, message: str) -> None:
        super().__init__(message, "not_found")


class Forbidden(LeagueError):
    status = 403


class Conflict(LeagueError):
    status = 409


class TooLarge(LeagueError):
    status = 413

    def __init__(self, message: str) -> None:
        super().__init__(message, "too_large")


class LimitReached(LeagueError):
    status = 429
