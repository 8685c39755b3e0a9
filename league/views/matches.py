"""Matches: the list of a competition with its filters, and the page of one."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from league.forms import MatchFilter
from league.models import Attempt, Match, MatchSeat, Submission
from league.models.match import MatchQuerySet
from league.views.fragments import Request, render_live
from league.views.lookup import competition_of, find
from league.words import ATTEMPT_STATES

PAGE = 50
FEW = 100


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
    return with_player(rows, text) if text else rows


def with_player(rows: MatchQuerySet, text: str) -> MatchQuerySet:
    """Matches of one submission (`#12`), or of teams and house bots whose name has the text."""
    players = Submission.objects.order_by()
    if text.startswith("#") and text[1:].isdecimal():
        players = players.filter(pk=int(text[1:19]))
    else:
        players = players.filter(Q(team__name__icontains=text) | Q(builtin__icontains=text))
    few = list(players.values_list("pk", flat=True)[: FEW + 1])
    if len(few) > FEW:
        # Many players: the newest matches are soon found by looking at each match.
        return rows.filter(Exists(_seats(players).filter(match=OuterRef("pk"))))
    # Few players, perhaps none: their own matches, not a look at every match there is.
    return rows.filter(pk__in=_seats(few).values("match"))


def _seats(players: Any) -> QuerySet[MatchSeat]:
    return MatchSeat.objects.filter(submission__in=players).order_by()


@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    rows = Match.objects.for_display().prefetch_related("attempts")
    match = find(rows, "match", pk=pk)
    attempts = list(match.attempts.all())
    context = {
        "match": match,
        "seats": match.seats.all(),
        "competition": match.competition,
        "episodes": sorted(match.episodes.all(), key=lambda episode: episode.number),
        "attempts": [
            (attempt, ATTEMPT_STATES[Attempt.State(attempt.state)]) for attempt in attempts
        ],
        "is_open": match.state in {Match.State.QUEUED, Match.State.DISPATCHED},
    }
    return render_live(
        request, "league/match_detail.html", {"match": "league/_match.html"}, context
    )
