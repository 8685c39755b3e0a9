"""Who calls the API: the owner of a bearer token or, for reading only, the session's user."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from ninja.security.base import AuthBase

from league import tokens
from league.errors import Forbidden, LeagueError
from league.models import ApiToken

READ, SUBMIT, STAFF = (scope.value for scope in ApiToken.Scope)
NOBODY = ""
SCOPES = (NOBODY, READ, SUBMIT, STAFF)  # each may do what the ones before it may


@dataclass(frozen=True)
class Caller:
    user: User | AnonymousUser
    scope: str

    def may(self, scope: str) -> bool:
        is_covered = SCOPES.index(self.scope) >= SCOPES.index(scope)
        return is_covered and (scope != STAFF or self.user.is_staff)


class ApiRequest(HttpRequest):
    """What a route receives: the caller has been identified, the middleware has noted the time."""

    auth: Caller
    arrived: datetime


def identify(request: HttpRequest) -> Caller:
    """Raises for a token that is not valid. A session counts for GET, where no CSRF can hide."""
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    # A password for a proxy before the site is none of our business.
    if scheme and scheme.lower() != "basic":
        token = tokens.authenticate(raw.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise LeagueError("This token is not valid: ask for a new one.", "bad_token", 401)
        return Caller(token.user, token.scope)
    if request.method == "GET":
        # Lazy: what is public never opens the session, and so can be cached for everybody.
        return Caller(request.user, READ)
    return Caller(AnonymousUser(), NOBODY)


class Bearer(AuthBase):
    """Admits everybody with a good token, or only those whose token reaches a scope."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, needs: str = NOBODY) -> None:
        super().__init__()
        self.needs = needs

    def __call__(self, request: HttpRequest) -> Caller:
        caller = identify(request)
        if self.needs == NOBODY:
            return caller
        if not caller.user.is_authenticated:
            raise LeagueError(
                "Log in first: send a token as `Authorization: Bearer TOKEN`.", "not_logged_in", 401
            )
        if not caller.may(self.needs):
            raise Forbidden(
                f"This token may not do that: it takes the scope {self.needs!r}.", "scope_too_small"
            )
        return caller
