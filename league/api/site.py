"""The API as a whole: its routers, and the rules that hold for every route."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI, Router

from league import idempotency
from league.api import (
    competitions,
    episodes,
    errors,
    leaderboards,
    matches,
    progress,
    signing,
    status,
    submissions,
)
from league.api.auth import SUBMIT, ApiRequest, Bearer, identify
from league.api.docs import PlainDocs
from league.errors import NotFound

DESCRIPTION = """\
What is public needs no token. An error is a 4xx or 5xx with a sentence in `error` and a word for
programs in `code`. Lists are newest first, take `limit` and `offset`, and answer `items` and
`count`."""


class LeagueAPI(NinjaAPI):
    @property
    def urls(self) -> tuple[list[URLResolver | URLPattern], str, str]:
        """The routes, each under the rules that hold for all of them."""
        patterns, app_name, namespace = super().urls
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = errors.guarded(pattern.callback)
        return patterns, app_name, namespace


def once(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Every POST honours an Idempotency-Key, whatever it does."""

    @wraps(run)
    def answer(request: HttpRequest, **parameters: Any) -> HttpResponse:
        if request.method != "POST":
            return run(request, **parameters)
        caller = identify(request)
        if not (isinstance(caller.user, User) and caller.may(SUBMIT)):
            return run(request, **parameters)  # which refuses
        return idempotency.answer_once(request, caller.user, lambda: run(request, **parameters))

    return answer


elsewhere = Router()


@elsewhere.api_operation(
    ["GET", "POST", "PUT", "PATCH", "DELETE"], "/{path:path}", include_in_schema=False
)
def nothing_here(request: ApiRequest, path: str) -> None:
    raise NotFound(f"There is no {path[:80]!r} in this API: see /api/v1/docs.")


api = LeagueAPI(
    title="Palaestra",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs=PlainDocs(),
    auth=Bearer(),
)
errors.install(api)
api.add_decorator(once, mode="view")
api.add_router("/competitions", competitions.router)
api.add_router("/competitions", submissions.in_competition)
api.add_router("/competitions", leaderboards.router)
api.add_router("/competitions", matches.in_competition)
api.add_router("/submissions", submissions.router)
api.add_router("/submissions", progress.router)
api.add_router("/matches", matches.router)
api.add_router("/episodes", episodes.router)
api.add_router("/signing-key", signing.router)
api.add_router("/status", status.router)
api.add_router("/training", "kaggle_bridge.api.router")  # by name: no import points that way
api.add_router("", elsewhere)  # the last, for it takes whatever is left
