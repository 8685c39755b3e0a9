"""Errors as a page, as a fragment for htmx, or under /api/ as JSON: one shape for each."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from league.errors import LeagueError

TITLES = {
    400: "That request cannot be understood",
    401: "Log in first",
    403: "That is not allowed",
    404: "There is nothing here",
    405: "Not that way",
    409: "That does not fit any more",
    413: "Too large",
    429: "Too many for now",
    500: "A fault of ours",
}
HINTS = {
    400: "Go back, reload the page and try again.",
    401: "Then come back to this page.",
    403: "If you think it should be, ask the organiser.",
    404: "The address may be mistyped, or this is private to somebody else.",
    405: "This address does not take that kind of request.",
    409: "Somebody or something was faster: reload the page to see how things stand.",
    413: "Leave out what the agent does not need at play time, such as training data.",
    429: "Wait a little; nothing of yours was lost.",
    500: "It has been logged. Nothing is counted against you; try again in a minute.",
}


def answer(request: HttpRequest, error: LeagueError) -> HttpResponse:
    return respond(request, error.status, error.message, error.code)


def respond(request: HttpRequest, status: int, message: str, code: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"error": message, "code": code}, status=status)
    context = {
        "status": status,
        "title": TITLES.get(status, HTTPStatus(status).phrase),
        "message": message,
        "hint": HINTS.get(status, ""),
    }
    if request.headers.get("HX-Request") == "true":
        response = HttpResponse(render_to_string("league/_error.html", context), status=status)
        # The part of the page that asked stays as it is; the sentence goes to the notices.
        response["HX-Retarget"], response["HX-Reswap"] = "#notices", "innerHTML"
        return response
    # No request in the context of a fault of ours: its page must not ask the database for a user.
    shown_to = request if status < 500 and hasattr(request, "user") else None
    return HttpResponse(render_to_string("league/error.html", context, shown_to), status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return respond(request, 400, "The request was malformed.", "bad_request")


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return respond(request, 403, "You may not do this.", "forbidden")


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return respond(request, 404, "This page does not exist.", "not_found")


def too_many(request: HttpRequest, exception: Any = None) -> HttpResponse:
    message = "There were too many attempts from here in a short time."
    return respond(request, 429, message, "too_many_requests")


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(request, 500, "Something of ours failed.", "server_error")
