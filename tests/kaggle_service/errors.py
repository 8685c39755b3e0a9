"""An answer that is an error, as Kaggle words them."""


class ApiError(Exception):
    """HTTP status and the message of the flat JSON body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthenticated")


def denied(permission: str) -> ApiError:
    """Also what a missing item gives."""
    return ApiError(403, f"Permission '{permission}' was denied")
