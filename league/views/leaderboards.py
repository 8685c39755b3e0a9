"""The leaderboard: fifty rows from Rating, Entrant, Submission and Team, and nothing else."""

import hashlib
import re
from typing import Any

from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from league import charts
from league.forms import LeaderboardFilter
from league.models import Competition, Entrant, Ladder, Team
from league.views.fragments import Request, render_live
from league.views.lookup import competition_of

PAGE = 50
TABLE_KEPT_S = 10
COMMON_QUERY = re.compile(r"(page=\d{1,4})?|(q=&)?per=(team)?(&page=\d{1,4})?")


@require_safe
def leaderboard(request: Request, slug: str) -> HttpResponse:
    competition = competition_of(slug)
    form = LeaderboardFilter(request.GET)
    team = Team.objects.of(request.user).first()
    key = _table_key(request, competition, team)
    table = cache.get(key) if key else None
    if table is None:
        table = _table(request, competition, form, team)
        if key:
            cache.set(key, table, TABLE_KEPT_S)
    context = {"competition": competition, "form": form, "table": mark_safe(table)}
    fragments = {"leaderboard": "league/_leaderboard.html"}
    return render_live(request, "league/leaderboard.html", fragments, context)


def _table_key(request: Request, competition: Competition, team: Team | None) -> str:
    """A table is drawn once for everybody until the next fit, or until somebody joins or leaves.

    Empty for an address that few would ask for: those must not fill the cache.
    """
    if not COMMON_QUERY.fullmatch(request.META.get("QUERY_STRING", "")):
        return ""
    ladder = Ladder.objects.filter(competition=competition)
    state = ladder.values_list("revision", "fitted_revision", "fitted_position").first()
    parts = (competition.pk, state, request.get_full_path(), team and team.pk)
    return "leaderboard-" + hashlib.sha256(repr(parts).encode()).hexdigest()


def _table(
    request: Request, competition: Competition, form: LeaderboardFilter, team: Team | None
) -> str:
    wanted = form.cleaned_data if form.is_valid() else {"per": "", "q": ""}
    rows: QuerySet[Entrant] = Entrant.objects.ranked(competition)
    if wanted["per"] == "team":
        rows = Entrant.objects.ranked(competition).best_of_teams()
    rows = with_text(rows, wanted["q"].strip())
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {"competition": competition, "page": page}
    context |= _marked(team, competition, list(page))
    return render_to_string("league/_leaderboard_table.html", context, request)


def with_text(rows: QuerySet[Entrant], text: str) -> QuerySet[Entrant]:
    """Teams and house bots whose name has the text, or the submission with this number."""
    if not text:
        return rows
    by_text = Q(submission__team__name__icontains=text) | Q(submission__builtin__icontains=text)
    if text.lstrip("#").isdecimal():
        by_text |= Q(submission__pk=int(text.lstrip("#")[:18]))
    return rows.filter(by_text)


def _marked(team: Team | None, competition: Competition, rows: list[Entrant]) -> dict[str, Any]:
    """My team's rows: marked on the page, and pinned below it when they are elsewhere."""
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
