"""For the organiser at night: does anything wait that should not, since when, and what to do."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from league import alerts, competitions, halts, status, sweeper, words
from league.errors import Forbidden
from league.forms import ControlForm
from league.models import Competition
from league.views.fragments import Request, render_live, wants_fragment
from league.views.lookup import find

COMPETITION_VERBS = {"pause": competitions.pause, "resume": competitions.resume}
LEAGUE_VERBS = {"halt": halts.halt, "lift": halts.lift}
MAY_PAUSE, MAY_HALT = "league.change_competition", "league.add_halt"


@require_safe
def page(request: Request) -> HttpResponse:
    now = timezone.now()
    found, waiting, overdue = status.parts(), status.waiting(), sweeper.overdue(now)
    stop, today, watched = halts.current(), status.day(), status.watched_competitions(now)
    space = status.disk_use()
    is_late = bool(overdue) or any(row.is_stuck for row in waiting)
    context = {
        "parts": found,
        "level_means": words.LEVELS.get(found.box.level, ""),
        "waiting": waiting,
        "overdue": overdue,
        "halt": stop,
        "alerts": alerts.open_alerts(),
        "day": today,
        "throughput": today.throughput(watched),
        "disk": space,
        "summary": status.summary(found, stop, is_late, space.is_nearly_full),
    }
    if not wants_fragment(request):
        context["controls"] = _controls(request, watched)
    return render_live(request, "league/status.html", {"status": "league/_status.html"}, context)


def _controls(request: Request, watched: list[Competition]) -> dict[str, Any]:
    """What this user may stop and let go on; nothing for others."""
    return {
        "competitions": watched if request.user.has_perm(MAY_PAUSE) else [],
        "may_halt": request.user.has_perm(MAY_HALT),
    }


@require_POST
def control(request: Request) -> HttpResponse:
    """Pause, resume, stop all, lift: staff's, and each with a reason that is kept."""
    form = ControlForm(request.POST)
    if not form.is_valid():
        messages.error(
            request, " ".join(str(problem) for found in form.errors.values() for problem in found)
        )
        return redirect("status")
    action, reason = form.cleaned_data["action"], form.cleaned_data["reason"]
    _require(request, MAY_HALT if action in LEAGUE_VERBS else MAY_PAUSE)
    if verb := LEAGUE_VERBS.get(action):
        verb(request.user, reason)
    else:
        slug = form.cleaned_data["competition"]
        competition = find(Competition.objects.all(), "competition", slug=slug)
        COMPETITION_VERBS[action](competition, request.user, reason)
    messages.success(request, f"{words.CONTROLS[action]}.")
    return redirect("status")


def _require(request: Request, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise Forbidden("Only an organiser may do this.", "not_staff")
