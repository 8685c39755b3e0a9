"""The leaderboard: a page that is drawn once for all visitors until the ladder moves, and a CSV."""

import csv
import hashlib
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from league import charts, leaderboard, standings, ties
from league.forms import LeaderboardFilter
from league.models import Competition, Entrant, Ladder, Team
from league.views.fragments import Request, render_live, vary_by_target, wants_fragment
from league.views.lookup import find

PAGE = 50
KEPT_S = 10
COMMON_QUERY = re.compile(r"(page=\d{1,4})?|(q=&)?per=(team)?(&page=\d{1,4})?")
FRAGMENTS = {"leaderboard": "league/_leaderboard.html"}


@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    """Whoever is nobody in particular gets the page as it was drawn for the last such visitor."""
    rows = Competition.objects.select_related("ladder")
    competition = find(rows, "competition", slug=slug)
    if not _is_stranger(request):
        return _draw(request, competition)
    target = request.htmx.target if wants_fragment(request) else "whole"
    drawn_for = ("page", target, _state(competition))
    return vary_by_target(
        HttpResponse(_kept(request, drawn_for, lambda: _draw(request, competition).text))
    )


def _ladder(competition: Competition) -> Ladder | None:
    return getattr(competition, "ladder", None)


def _state(competition: Competition) -> tuple[Any, ...]:
    """What a drawn table depends on: changed by each fit, and by who joins or leaves."""
    ladder = _ladder(competition) or Ladder()
    return competition.pk, ladder.revision, ladder.fitted_revision, ladder.fitted_position


def _is_stranger(request: Request) -> bool:
    """Without a session, and without a notice that waits to be shown."""
    return not {settings.SESSION_COOKIE_NAME, "messages"} & set(request.COOKIES)


def _kept(request: Request, drawn_for: tuple[Any, ...], draw: Callable[[], str]) -> str:
    """From the cache, unless few would ask for this address: those must not fill it."""
    if not COMMON_QUERY.fullmatch(request.META.get("QUERY_STRING", "")):
        return draw()
    digest = hashlib.sha256(repr((*drawn_for, request.get_full_path())).encode()).hexdigest()
    drawn = cache.get(f"leaderboard-{digest}")
    if drawn is None:
        drawn = draw()
        cache.set(f"leaderboard-{digest}", drawn, KEPT_S)
    return str(drawn)


def _draw(request: Request, competition: Competition) -> HttpResponse:
    form = LeaderboardFilter(request.GET)
    team = Team.objects.of(request.user).first()
    drawn_for = ("table", team and team.pk, _state(competition))
    table = _kept(request, drawn_for, lambda: _table(request, competition, form, team))
    context = {"competition": competition, "form": form, "table": mark_safe(table)}
    return render_live(request, "league/leaderboard.html", FRAGMENTS, context)


def _table(
    request: Request, competition: Competition, form: LeaderboardFilter, team: Team | None
) -> str:
    wanted = form.cleaned_data if form.is_valid() else {"per": "", "q": ""}
    entrants = leaderboard.entrants_of(competition, per_team=wanted["per"] == "team")
    entrants = leaderboard.with_text(entrants, wanted["q"].strip())
    shown = Paginator(entrants, PAGE).get_page(request.GET.get("page"))
    context = {"competition": competition, "page": shown}
    context |= _rows(competition, list(shown), team)
    return render_to_string("league/_leaderboard_table.html", context, request)


def _rows(competition: Competition, shown: list[Entrant], team: Team | None) -> dict[str, Any]:
    """The rows of the page; my team's are pinned below it when they are elsewhere."""
    pinned = _elsewhere(competition, shown, team) if team else []
    ladder = _ladder(competition)
    field = ties.field_of(competition.pk)
    rows = leaderboard.rows_of([*shown, *pinned], field, ladder)
    return {
        "rows": rows[: len(shown)],
        "pinned": rows[len(shown) :],
        "my_team": team,
        "ladder": ladder,
        "lock_waits": standings.lock_waits(competition, ladder),
        "field_size": field.size,
        "scale": charts.ladder_scale([row.entrant.rating for row in rows]),
        "first_provisional": next((e.pk for e in shown if e.rating.is_provisional), None),
    }


def _elsewhere(competition: Competition, shown: list[Entrant], team: Team) -> list[Entrant]:
    mine = Entrant.objects.ranked(competition).filter(submission__team=team)
    here = {entrant.pk for entrant in shown}
    return [entrant for entrant in mine if entrant.pk not in here]


@require_safe
def as_csv(request: Request, slug: str) -> HttpResponse:
    competition = find(Competition.objects.select_related("ladder"), "competition", slug=slug)
    entrants = list(leaderboard.entrants_of(competition))
    changes = leaderboard.day_changes(entrants, _ladder(competition))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{competition.slug}-leaderboard.csv"'
    # In quotes: some spreadsheets split at semicolons, and read what follows as a formula.
    writer = csv.writer(response, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(leaderboard.CSV_HEAD)
    writer.writerows(leaderboard.csv_rows(entrants, changes))
    return response
