"""The replay of an episode: its page, the bare player for other sites, the frame of a drawing."""

import gzip
from typing import Any

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from league import drawings
from league.errors import NotFound
from league.limits import of_episode
from league.models import Competition, Episode
from league.views.lookup import find


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    episode = _episode(pk)
    mine = [seat for seat in episode.seats.all() if _is_member(request, seat.submission.team_id)]
    others = Episode.objects.filter(match=episode.match_id).exclude(pk=pk).order_by("number")
    context = {**_player(request, episode), "mine": mine, "others": list(others)}
    return render(request, "league/episode_detail.html", context)


# A page of another site may frame this one; it holds nothing that is not public.
@require_safe
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]
def embed(request: HttpRequest, pk: int) -> HttpResponse:
    return render(request, "league/episode_embed.html", _player(request, _episode(pk)))


# Served so that what it runs has no origin, wherever it is opened: no cookie, no page, no API of
# this site, and no network. The players of other sites may frame it, as they may the embed page.
@require_safe
@xframe_options_exempt
def drawing(request: HttpRequest, environment: str) -> HttpResponse:
    used = Competition.objects.filter(environment=environment).exists()
    framed = drawings.framed(environment) if used else None
    if framed is None:
        raise NotFound("There is no such drawing.")
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(framed.packed if is_packed else gzip.decompress(framed.packed))
    if is_packed:
        response["Content-Encoding"] = "gzip"
    response["Content-Security-Policy"] = framed.policy
    patch_vary_headers(response, ["Accept-Encoding"])
    response["Cache-Control"] = "public, max-age=3600"
    return response


def _episode(pk: int) -> Episode:
    rows = Episode.objects.select_related("match__competition")
    return find(rows.prefetch_related("seats__submission__team"), "episode", pk=pk)


def _player(request: HttpRequest, episode: Episode) -> dict[str, Any]:
    step = request.GET.get("step", "")
    return {
        "episode": episode,
        "match": episode.match,
        "competition": episode.match.competition,
        "seats": episode.seats.all(),
        "winners": [seat for seat in episode.seats.all() if seat.score == 1],
        "limits": of_episode(episode),
        "step": int(step) if step.isdecimal() and len(step) < 7 else None,
    }


def _is_member(request: HttpRequest, team_id: int) -> bool:
    membership = getattr(request.user, "membership", None)
    return membership is not None and membership.team_id == team_id
