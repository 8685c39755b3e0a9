"""One view, two answers: the whole page, or for htmx only the part of it that changes."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """What a view receives here: our middleware has added to it."""

    htmx: HtmxDetails
    arrived: datetime


def wants_fragment(request: Request) -> bool:
    return bool(request.htmx) and not request.htmx.history_restore_request


def render_live(
    request: Request, page: str, fragments: dict[str, str], context: dict[str, Any]
) -> HttpResponse:
    """`fragments`: templates by the id of the element that asks; the first is the default."""
    template = page
    if wants_fragment(request):
        default = next(iter(fragments.values()))
        template = fragments.get(request.htmx.target or "", default)
    return vary_by_target(render(request, template, context))


def vary_by_target(response: HttpResponse) -> HttpResponse:
    """A browser must not answer "back" with a fragment that it kept under the page's address."""
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response
