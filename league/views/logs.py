"""The private logs of a submission: what it printed, and what the clock took for each move."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from league import charts, storage
from league.limits import of_episode
from league.models import Episode, EpisodeSeat, Submission
from league.views import tracebacks
from league.views.fragments import Request, render_live
from league.views.lookup import find

EPISODES = 20


@dataclass(frozen=True)
class SeatLog:
    """A seat that the submission held. scale: seconds to the width of a bar, for all its moves."""

    seat: EpisodeSeat
    traceback: list[tuple[str, bool]]
    moves: list[dict[str, Any]]
    scale: charts.Scale
    limit_s: float

    @property
    def is_boxed(self) -> bool:
        return any(move["cpu"] is not None for move in self.moves)

    @property
    def is_remote(self) -> bool:
        return any(move["think"] is not None for move in self.moves)

    @property
    def totals(self) -> dict[str, float]:
        names = ("seconds", "wall", "cpu", "delay", "think")
        return {name: sum(move[name] or 0.0 for move in self.moves) for name in names}


@require_safe
def logs(request: Request, pk: int) -> HttpResponse:
    """By episode and step. Its team's; for everybody else not there."""
    rows = Submission.objects.visible_details_to(request.user).select_related("competition", "team")
    submission = find(rows, "submission", pk=pk)
    episodes = list(
        Episode.objects.filter(seats__submission=submission)
        .distinct()
        .select_related("match__competition")
        .prefetch_related("seats__submission__team")[:EPISODES]
    )
    wanted = request.GET.get("episode", "")
    chosen = next((e for e in episodes if str(e.pk) == wanted), episodes[0] if episodes else None)
    context = {
        "submission": submission,
        "competition": submission.competition,
        "episodes": episodes,
        "chosen": chosen,
        "limits": of_episode(chosen) if chosen else None,
        "seat_logs": list(_seat_logs(chosen, submission)) if chosen else [],
    }
    fragments = {"logs": "league/_submission_logs.html"}
    return render_live(request, "league/submission_logs.html", fragments, context)


def _seat_logs(episode: Episode, submission: Submission) -> Iterator[SeatLog]:
    limit_s = of_episode(episode).move_s
    for seat in episode.seats.all():
        if seat.submission_id == submission.pk:
            moves = storage.read_logs(episode, seat.number)
            scale = charts.move_scale(moves, limit_s)
            traceback = tracebacks.lines(seat.verdict_detail)
            yield SeatLog(seat, traceback, moves, scale, limit_s)
