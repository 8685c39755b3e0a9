"""Matches: the list of a competition with its filters, and the page of one."""

from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from league.forms import MatchFilter
from league.models import Attempt, Match, MatchSeat
from league.models.match import MatchQuerySet
from league.views import games
from league.views.fragments import Request, render_live
from league.views.lookup import competition_of, find
from league.words import ATTEMPT_STATES

PAGE = 50


@require_safe
def match_list(request: Request, slug: str) -> HttpResponse:
    competition = competition_of(slug)
    form = MatchFilter(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    rows = filtered(Match.objects.filter(competition=competition), wanted)
    # By id and not by page number: the list grows at its top while somebody reads it.
    page = list(rows.for_display()[: PAGE + 1])
    context = {
        "competition": competition,
        "form": form,
        "matches": page[:PAGE],
        "older": page[PAGE - 1].pk if len(page) > PAGE else None,
        "is_newest": not wanted.get("before"),
    }
    fragments = {"match-list": "league/_match_list.html"}
    return render_live(request, "league/match_list.html", fragments, context)


def filtered(rows: MatchQuerySet, wanted: dict[str, Any]) -> MatchQuerySet:
    if wanted.get("state"):
        rows = rows.filter(state=wanted["state"])
    if wanted.get("purpose"):
        rows = rows.filter(purpose=wanted["purpose"])
    if wanted.get("before"):
        rows = rows.filter(pk__lt=wanted["before"])
    text = wanted.get("q", "").strip()
    return rows.filter(Exists(_seats_of(text))) if text else rows


def _seats_of(text: str) -> Any:
    """Seats of one submission (`#12`), or of teams and house bots whose name has the text."""
    seats = MatchSeat.objects.filter(match=OuterRef("pk"))
    if text.startswith("#") and text[1:].isdecimal():
        return seats.filter(submission=int(text[1:19]))
    return seats.filter(
        Q(submission__team__name__icontains=text) | Q(submission__builtin__icontains=text)
    )


@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    rows = Match.objects.for_display().prefetch_related("attempts")
    match = find(rows, "match", pk=pk)
    attempts = list(match.attempts.all())
    context = {
        "match": match,
        "seats": match.seats.all(),
        "competition": match.competition,
        "game": games.game(match.competition.environment),
        "episodes": sorted(match.episodes.all(), key=lambda episode: episode.number),
        "attempts": [
            (attempt, ATTEMPT_STATES[Attempt.State(attempt.state)]) for attempt in attempts
        ],
        "is_open": match.state in {Match.State.QUEUED, Match.State.DISPATCHED},
    }
    return render_live(
        request, "league/match_detail.html", {"match": "league/_match.html"}, context
    )
