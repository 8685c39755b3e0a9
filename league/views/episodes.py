"""The replay of an episode: its page, and the bare player for other sites."""

from typing import Any

from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from league.models import Episode
from league.views import games
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
        "game": games.game(episode.match.competition.environment),
        "step": int(step) if step.isdecimal() and len(step) < 7 else None,
    }


def _is_member(request: HttpRequest, team_id: int) -> bool:
    membership = getattr(request.user, "membership", None)
    return membership is not None and membership.team_id == team_id
