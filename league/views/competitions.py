"""Competitions: the list of all, and the overview of one with rules, limits and starter agent."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from league.limits import of_competition
from league.models import Competition, Submission
from league.standings import standings
from league.submissions import limits
from league.views import games
from league.views.fragments import Request, render_live
from league.views.lookup import competition_of
from league.words import PHASES


@require_safe
def competition_list(request: Request) -> HttpResponse:
    context = {"standings": standings(list(Competition.objects.all()))}
    return render(request, "league/competition_list.html", context)


@require_safe
def detail(request: Request, slug: str) -> HttpResponse:
    competition = competition_of(slug)
    standing = standings([competition])[0]
    context = {
        "competition": competition,
        "standing": standing,
        "game": games.game(competition.environment),
        "rules": games.rule_paragraphs(competition),
        "settings": games.settings_of(competition),
        "limits": of_competition(competition),
        "phase_sentence": PHASES[competition.phase],
        "try_command": games.try_command(competition),
        "ladder": standing.ladder,
        **_mine(request, competition),
    }
    fragments = {"standing": "league/_standing.html"}
    return render_live(request, "league/competition_detail.html", fragments, context)


def _mine(request: Request, competition: Competition) -> dict[str, Any]:
    if not request.user.is_authenticated:
        return {}
    submissions = Submission.objects.of(request.user).filter(competition=competition)
    return {
        "quota": limits(competition, request.user),
        "my_submissions": submissions.select_related("team", "entrant__rating")[:5],
    }
