"""The leaderboard: fifty rows from Rating, Entrant, Submission and Team, and nothing else."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from league import charts
from league.api.leaderboards import best_of_teams
from league.forms import LeaderboardFilter
from league.models import Competition, Entrant, Team
from league.views.fragments import Request, render_live
from league.views.lookup import competition_of

PAGE = 50


@require_safe
def leaderboard(request: Request, slug: str) -> HttpResponse:
    competition = competition_of(slug)
    form = LeaderboardFilter(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {"per": "", "q": ""}
    is_by_team = wanted["per"] == "team"
    rows = best_of_teams(competition) if is_by_team else Entrant.objects.ranked(competition)
    rows = with_text(rows, wanted["q"].strip())
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"competition": competition, "form": form, "page": page}
    context |= _marked(request, competition, list(page))
    fragments = {"leaderboard": "league/_leaderboard.html"}
    return render_live(request, "league/leaderboard.html", fragments, context)


def with_text(rows: QuerySet[Entrant], text: str) -> QuerySet[Entrant]:
    """Teams and house bots whose name has the text, or the submission with this number."""
    if not text:
        return rows
    by_text = Q(submission__team__name__icontains=text) | Q(submission__builtin__icontains=text)
    if text.lstrip("#").isdecimal():
        by_text |= Q(submission__pk=int(text.lstrip("#")[:18]))
    return rows.filter(by_text)


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
