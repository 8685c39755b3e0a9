"""Every failure under /api is JSON: {"error": one sentence, "code": snake_case}."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from pydantic import BaseModel, Field

from league.errors import LeagueError, TooLarge

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]


class ErrorOut(BaseModel):
    error: str = Field(description="One sentence for people.")
    code: str = Field(description="For programs; does not change.", pattern=r"^[a-z][a-z0-9_]*$")


def error_response(error: LeagueError) -> JsonResponse:
    response = JsonResponse({"error": error.message, "code": error.code}, status=error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def bad_field(errors: list[dict[str, Any]]) -> LeagueError:
    """One sentence that names the first field that is wrong, and what is wrong with it."""
    first = errors[0]
    field = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "body")
    if first["type"] == "extra_forbidden":
        return LeagueError(f"There is no field {field!r} here.", "unknown_field")
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return LeagueError(f"{field}: {message[:1].lower()}{message[1:]}.", "invalid_field")


def as_league_error(error: Exception) -> LeagueError:
    """What to tell the caller; whatever we did not foresee is our fault, and logged."""
    if isinstance(error, LeagueError):
        return error
    if isinstance(error, ValidationError):
        return bad_field(error.errors)
    if isinstance(error, Http404):
        return LeagueError("There is nothing here: see /api/v1/docs.", "not_found", 404)
    if isinstance(error, PermissionDenied):
        return LeagueError("You may not do that.", "forbidden", 403)
    if isinstance(error, RequestDataTooBig):
        return TooLarge("This is larger than an upload may be.")
    if isinstance(error, (SuspiciousOperation, MultiPartParserError, UnreadablePostError)):
        return LeagueError("The request could not be read: send it again.", "malformed_request")
    if isinstance(error, HttpError):
        return LeagueError(error.message, "http_error", error.status_code)
    logger.error("the API failed", exc_info=error)
    return LeagueError("This was our fault and has been logged.", "server_error", 500)


def install(api: NinjaAPI) -> None:
    def handle(request: HttpRequest, error: Any) -> HttpResponse:
        return error_response(as_league_error(error))

    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, handle)


def guarded(view: View) -> View:
    """A route of the API with the rules that hold for all: HEAD, wrong methods, caching, faults."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        method = request.method
        if method == "HEAD":
            request.method = "GET"
        try:
            require_length(request)
            response = view(request, *args, **kwargs)
        except Exception as error:
            response = error_response(as_league_error(error))
        finally:
            request.method = method
        if response.status_code == 405:
            response = wrong_method(request, response["Allow"])
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-cache"
        return without_body(response) if method == "HEAD" else response

    return answer


def without_body(response: HttpResponse) -> HttpResponse:
    response["Content-Length"] = len(response.content)
    response.content = b""
    return response


def require_length(request: HttpRequest) -> None:
    if "Transfer-Encoding" in request.headers and not request.META.get("CONTENT_LENGTH"):
        raise LeagueError(
            "Send the length of the body (Content-Length) and not chunks.", "length_required", 411
        )


def wrong_method(request: HttpRequest, allowed: str) -> HttpResponse:
    response = error_response(
        LeagueError(f"{request.method} does not work here: use {allowed}.", "wrong_method", 405)
    )
    response["Allow"] = allowed
    return response
