"""Submitting, the page of a submission, its private logs, my submissions, retiring."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from league import charts, matchups, settling, storage, teams
from league.errors import LeagueError
from league.forms import SubmitForm
from league.limits import of_competition
from league.models import (
    Competition,
    Entrant,
    EpisodeSeat,
    Ladder,
    Match,
    RatingPoint,
    Submission,
)
from league.submissions import limits, retire, submit, waits_for
from league.views import games, tracebacks
from league.views.fragments import Request, render_live, wants_fragment
from league.views.lookup import competition_of, find

HISTORY = 200
NEWEST_MATCHES = 20
TIMED_EPISODES = 10


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def submit_page(request: Request, slug: str) -> HttpResponse:
    competition = competition_of(slug)
    game = games.game(competition.environment)
    form = SubmitForm(request.POST or None, request.FILES or None, initial={"source": game.starter})
    error: LeagueError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            return _accept(request, competition, form)
        except LeagueError as refused:
            # Shown above the form, so that what was typed is still there.
            error = refused
    status = error.status if error else 400 if form.errors else 200
    context = {
        "competition": competition,
        "game": game,
        "form": form,
        "error": error,
        "limits": limits(competition, request.user),
        "hurdle": teams.hurdle(competition, request.user),
        "play": of_competition(competition),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
    }
    return render(request, "league/submit.html", context, status=status)


def _accept(request: Request, competition: Competition, form: SubmitForm) -> HttpResponse:
    receipt = submit(
        competition,
        request.user,
        form.upload(),
        form.cleaned_data["description"],
        arrived=request.arrived,
    )
    if not receipt.created:
        messages.info(request, "Your team has sent these very bytes before: here they are.")
    return redirect(receipt.submission)


@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    rows = Submission.objects.select_related("team", "competition", "entrant__rating")
    submission = find(rows, "submission", pk=pk)
    is_owner = Submission.objects.visible_details_to(request.user).filter(pk=pk).exists()
    context: dict[str, Any] = {
        "submission": submission,
        "competition": submission.competition,
        "is_owner": is_owner,
        "waits_for": waits_for(submission),
    }
    if not wants_fragment(request) or request.htmx.target == "play":
        context |= _play(submission, is_owner)
    if is_owner:
        context["traceback"] = tracebacks.lines(submission.verdict_detail)
    fragments = {"status": "league/_submission_status.html", "play": "league/_submission_play.html"}
    return render_live(request, "league/submission_detail.html", fragments, context)


def _play(submission: Submission, is_owner: bool) -> dict[str, Any]:
    """Rating history, matches, opponents and timing: all that grows while it plays."""
    matches = Match.objects.filter(seats__submission=submission).distinct().for_display()
    newest = list(matches[:NEWEST_MATCHES])
    entrant: Entrant | None = getattr(submission, "entrant", None)
    return {
        "matches": newest,
        "open_matches": [match for match in newest if match.why and not match.ended],
        "times": _move_times(submission) if is_owner else None,
        **(_standing(submission, entrant) if entrant else {}),
    }


def _standing(submission: Submission, entrant: Entrant) -> dict[str, Any]:
    competition, rating = submission.competition, entrant.rating
    ladder = Ladder.objects.shown(competition.pk)
    points = RatingPoint.objects.filter(entrant=entrant).order_by("-pk")[:HISTORY]
    return {
        "rating": rating,
        "ladder": ladder,
        "chart": charts.history_chart(list(points)[::-1], ladder.locked_at),
        "outlook": settling.outlook(entrant, competition, ladder) if not entrant.left else None,
        "opponents": matchups.matchups(submission, rating, ladder),
    }


def _move_times(submission: Submission) -> charts.Histogram | None:
    seats = EpisodeSeat.objects.filter(submission=submission).order_by("-pk")
    newest = seats.select_related("episode")[:TIMED_EPISODES]
    seconds = [
        entry["seconds"]
        for seat in newest
        for entry in storage.read_logs(seat.episode, seat.number)
        if isinstance(entry.get("seconds"), float | int)  # a worker wrote it, not we
    ]
    limit_s = float(submission.competition.full_configuration["actTimeout"])
    return charts.move_times(seconds, limit_s)


@require_POST
@login_required
def retire_page(request: Request, pk: int) -> HttpResponse:
    submission = find(Submission.objects.select_related("team"), "submission", pk=pk)
    retire(submission, request.user)
    messages.success(request, f"Submission {submission.label} is retired.")
    return redirect(submission)


@require_safe
@login_required
def mine(request: Request) -> HttpResponse:
    rows = Submission.objects.of(request.user)
    context = {
        "submissions": rows.select_related("team", "competition", "entrant__rating")[:100],
        "competitions": Competition.objects.live(),
    }
    return render(request, "league/submission_list.html", context)
