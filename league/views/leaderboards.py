"""The leaderboard: fifty rows from Rating, Entrant, Submission and Team, and nothing else."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from league import charts
from league.forms import LeaderboardFilter
from league.models import Competition, Entrant, Team
from league.models.entrant import EntrantQuerySet
from league.views.fragments import Request, render_live
from league.views.lookup import competition_of

PAGE = 50


@require_safe
def leaderboard(request: Request, slug: str) -> HttpResponse:
    competition = competition_of(slug)
    form = LeaderboardFilter(request.GET)
    rows = Entrant.objects.ranked(competition)
    if form.is_valid():
        rows = filtered(rows, form.cleaned_data["q"].strip(), form.cleaned_data["per"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"competition": competition, "form": form, "page": page}
    context |= _marked(request, competition, list(page))
    fragments = {"leaderboard": "league/_leaderboard.html"}
    return render_live(request, "league/leaderboard.html", fragments, context)


def filtered(rows: EntrantQuerySet, text: str, per: str) -> EntrantQuerySet:
    if per == "team":
        place = Window(
            RowNumber(),
            partition_by=F("submission__team_id"),
            order_by=("rating__is_provisional", "-rating__elo", "pk"),
        )
        rows = rows.annotate(place=place).filter(place=1)
    if text:
        by_text = Q(submission__team__name__icontains=text) | Q(submission__builtin__icontains=text)
        if text.lstrip("#").isdecimal():
            by_text |= Q(submission__pk=int(text.lstrip("#")[:18]))
        rows = rows.filter(by_text)
    return rows


def _marked(request: Request, competition: Competition, rows: list[Entrant]) -> dict[str, Any]:
    """My team's rows: marked on the page, and pinned below it when they are elsewhere."""
    team = Team.objects.of(request.user).first()
    pinned: list[Entrant] = []
    if team:
        shown = {entrant.pk for entrant in rows}
        mine = Entrant.objects.ranked(competition).filter(submission__team=team)
        pinned = [entrant for entrant in mine if entrant.pk not in shown]
    return {
        "rows": rows,
        "my_team": team,
        "pinned": pinned,
        "scale": charts.ladder_scale([entrant.rating for entrant in [*rows, *pinned]]),
        "first_provisional": next((e.pk for e in rows if e.rating.is_provisional), None),
    }
