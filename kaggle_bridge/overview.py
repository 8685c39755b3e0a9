"""Reads for the pages of many runs, in as many queries as for one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Window
from django.db.models.functions import RowNumber

from kaggle_bridge import charts, words
from kaggle_bridge.models import Checkpoint, Metric, RunState, Session, TrainingRun
from league.models import Entrant, Rating

SHOWN = 10  # runs under way that are shown at once
BROUGHT = 20
HEAVY = ("resolved", "config", "facts")


@dataclass(frozen=True)
class Entered:
    """A checkpoint on a ladder."""

    checkpoint: Checkpoint
    rating: Rating

    @property
    def entrant(self) -> Entrant:
        return self.rating.entrant


@dataclass(frozen=True)
class UnderWay:
    """A run that goes on by itself. session: its newest. newest: of those that have played."""

    run: TrainingRun
    session: Session | None
    left_s: float | None
    newest: Entered | None
    bar: charts.Bar

    @property
    def sentence(self) -> str:
        return words.standing(self.run, self.session, self.left_s)


def under_way(most: int = SHOWN) -> list[UnderWay]:
    """The newest first."""
    runs = list(TrainingRun.objects.active().select_related("competition").defer(*HEAVY)[:most])
    ids = [run.pk for run in runs]
    sessions, checkpoints, newest = _sessions(ids), _steps(ids), newest_entered(ids)
    lines = _newest_lines(ids)
    return [
        UnderWay(
            run=run,
            session=sessions[run.pk][-1] if sessions[run.pk] else None,
            left_s=left_s(run, lines.get(run.pk)),
            newest=newest.get(run.pk),
            bar=charts.bar(run, checkpoints[run.pk], sessions[run.pk]),
        )
        for run in runs
    ]


def left_s(run: TrainingRun, newest_values: Any) -> float | None:
    """At the mean pace so far, evaluations included; None where nothing is training."""
    values = newest_values if isinstance(newest_values, dict) else {}
    seconds = values.get("seconds")
    if run.state != RunState.RUNNING or not seconds or not run.step:
        return None
    return max(run.total_steps - run.step, 0) * float(seconds) / run.step


def _newest_lines(ids: Iterable[int]) -> dict[int, Any]:
    newest = Metric.objects.filter(run=OuterRef("pk")).order_by("-step").values("values")[:1]
    rows = TrainingRun.objects.filter(pk__in=ids).order_by()
    return dict(rows.values_list("pk", Subquery(newest)))


def _sessions(ids: Iterable[int]) -> dict[int, list[Session]]:
    rows = Session.objects.filter(run__in=ids).select_related("resume")
    found: dict[int, list[Session]] = defaultdict(list)
    for session in rows.defer("log", "report", "result", "resume__manifest"):
        found[session.run_id].append(session)
    return found


def _steps(ids: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for run, step in Checkpoint.objects.filter(run__in=ids).values_list("run_id", "step"):
        found[run].append(step)
    return found


def all_runs() -> QuerySet[TrainingRun]:
    """The newest first, each with its number of sessions."""
    rows = TrainingRun.objects.select_related("competition").defer(*HEAVY)
    return rows.annotate(session_count=Count("sessions"))


# What has come to the ladders


def newest_entered(ids: Iterable[int]) -> dict[int, Entered]:
    """By run, the most trained of its entrants that have played."""
    return _first(_played().filter(run__in=ids), "-step")


def best_entered(ids: Iterable[int]) -> dict[int, Entered]:
    """By run, its strongest entrant; one with a settled place before all provisional ones."""
    return _first(_played().filter(run__in=ids), *STRENGTH)


def brought(most: int = BROUGHT) -> list[Entered]:
    """The strongest entrant of each run that has ended, the newest run first."""
    found = _first(_played().filter(run__ended__isnull=False), *STRENGTH, newest=most)
    return [found[run] for run in sorted(found, reverse=True)]


STRENGTH = ("submission__entrant__rating__is_provisional", "-submission__entrant__rating__elo")


def _played() -> QuerySet[Checkpoint]:
    return Checkpoint.objects.filter(
        submission__entrant__rating__matches__gt=0, submission__entrant__is_disqualified=False
    )


def _first(
    rows: QuerySet[Checkpoint], *order: str, newest: int | None = None
) -> dict[int, Entered]:
    """Of each run the row that comes first in this order, or only of the newest runs."""
    place = Window(RowNumber(), partition_by=F("run_id"), order_by=(*order, "pk"))
    firsts = (
        rows.annotate(place=place)
        .filter(place=1)
        .order_by("-run_id")
        .select_related(
            "run", "submission__team", "submission__competition", "submission__entrant__rating"
        )
    )
    light = firsts.defer("manifest", *(f"run__{name}" for name in HEAVY))[:newest]
    return {
        row.run_id: Entered(row, row.submission.entrant.rating) for row in light if row.submission
    }
