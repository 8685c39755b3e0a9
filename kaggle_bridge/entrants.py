"""Checkpoints become entrants: which ones, how, and which make room for them."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from kaggle_bridge import spread, store
from kaggle_bridge.inspecting import inspection
from kaggle_bridge.inspecting.inspection import InspectionError, InspectionFault
from kaggle_bridge.models import Checkpoint, CheckpointState, Enter, TrainingRun
from league import submissions, teams
from league.entrants import SYSTEM_ACTIVE_LIMIT
from league.errors import LeagueError
from league.models import Competition, Phase, Rating, Stage, Submission, Team
from league.submissions import Upload

CANDIDATES = {Enter.EVERY: SYSTEM_ACTIVE_LIMIT, Enter.BEST: 20, Enter.LAST: 1}
MOST_MOVE_S = 0.2
SHARE = 0.2  # of what a move may take
LEAST_MOVE_S = 0.001
AGENT = "agent.tar.gz"
KEPT, WANTED = CheckpointState.KEPT, CheckpointState.WANTED
ENTERED, REFUSED = CheckpointState.ENTERED, CheckpointState.REFUSED
Status = Submission.Status
LIVE = (*Submission.UNDECIDED, Status.ACTIVE)
FAILED = (Status.REJECTED, Status.DISQUALIFIED)


def wanted(run: TrainingRun) -> tuple[int, ...]:
    """Steps of which a kernel is to bring out the first regular checkpoint at or after them."""
    interval = int(run.resolved.get("save_interval", 0))
    steps = spread.thresholds(run.total_steps, interval, CANDIDATES[Enter(run.enter)])
    reached = max((row.step for row in _brought(run)), default=-1)
    return tuple(step for step in steps if step > reached)


def _brought(run: TrainingRun) -> list[Checkpoint]:
    return [row for row in run.checkpoints.all() if row.manifest.get("is_wanted")]


# Which ones


def choose(run: TrainingRun) -> int:
    """Marks what shall become an entrant, of what there is; returns how many."""
    if run.competition_id is None:
        return 0
    chosen = CHOICES[Enter(run.enter)](run)
    for row in run.checkpoints.filter(state=WANTED):
        if row not in chosen:  # a better one has come before it was its turn
            row.move(WANTED, KEPT)
    return sum(row.move(KEPT, WANTED) for row in chosen if row.state == KEPT)


def _every(run: TrainingRun) -> list[Checkpoint]:
    rows = [row for row in _brought(run) if row.state in (KEPT, WANTED)]
    playing = _entered(run).filter(submission__status__in=LIVE)
    steps = {row.step for row in (*rows, *playing)}
    staying = spread.thin(steps, SYSTEM_ACTIVE_LIMIT)
    return [row for row in rows if row.step in staying]


def _best(run: TrainingRun) -> list[Checkpoint]:
    """The one with the highest result that has not failed; of equals the first."""
    rows = run.checkpoints.exclude(arena=None).exclude(state=REFUSED)
    rows = rows.exclude(submission__status__in=FAILED)
    best = rows.order_by("-arena", "step").first()
    return [best] if best else []


def _last(run: TrainingRun) -> list[Checkpoint]:
    last = run.checkpoints.order_by("-step").first()
    return [last] if last and last.step >= run.total_steps else []


CHOICES = {Enter.EVERY: _every, Enter.BEST: _best, Enter.LAST: _last}


def has_more(run: TrainingRun) -> bool:
    return run.checkpoints.filter(state=WANTED).exists()


# One of them


def import_next(run: TrainingRun) -> bool:
    """Enters the earliest that is marked, or refuses it with a sentence; False: none is marked.

    Killed at any moment it is begun again: the same checkpoint finds its submission. Raises
    InspectionFault where nothing is wrong with the checkpoint, and later may help.
    """
    row = run.checkpoints.filter(state=WANTED).order_by("step").first()
    competition = run.competition
    if row is None or competition is None:
        return False
    try:
        submission = _submission(run, competition, row)
    except InspectionError as error:
        row.move(WANTED, REFUSED, error=str(error)[:500])
        return True
    row.move(WANTED, ENTERED, submission=submission, error="")
    return True


def _submission(run: TrainingRun, competition: Competition, row: Checkpoint) -> Submission:
    """Its submission, made unless it is there. Raises InspectionError, InspectionFault."""
    team, note = team_of(run, competition), describe(row)
    there = Submission.objects.filter(team=team, competition=competition, description=note)
    if found := there.first():
        return found  # made, and then we were killed
    if competition.phase == Phase.UPCOMING:
        raise InspectionFault(submissions.closed_reason(competition, timezone.now()))
    try:
        return submissions.submit_as(team, competition, _packed(competition, row), note).submission
    except LeagueError as error:
        kind = InspectionFault if error.status >= 500 else InspectionError
        raise kind(error.message) from None


def describe(row: Checkpoint) -> str:
    """What the submission says of itself; no two checkpoints say the same."""
    return f"step {row.step:,} of training run {row.run_id}, checkpoint {row.sha256[:16]}"


def team_of(run: TrainingRun, competition: Competition) -> Team:
    """The run's own; made on first use."""
    with transaction.atomic():
        # One at a time: two would make two teams.
        held = TrainingRun.objects.select_for_update(no_key=True, of=("self",)).get(pk=run.pk)
        if held.team is None:
            held.keep(team=teams.make_system_team(f"Training {run.pk}: {competition.slug}"))
    run.team = held.team
    assert held.team
    return held.team


def _packed(competition: Competition, row: Checkpoint) -> Upload:
    path = store.path(row.sha256)
    if not path.is_file():
        raise InspectionError("Its file is not in the store any more.")
    with TemporaryDirectory(prefix="agent-") as folder:
        agent = inspection.export_agent(
            path,
            Path(folder) / AGENT,
            competition.environment,
            competition.environment_version,
            move_seconds(competition),
            competition.full_configuration,
        )
        return Upload.from_file(AGENT, agent.path.read_bytes())


def move_seconds(competition: Competition) -> float:
    """How long an entrant thinks: a fifth of what a move may take, or its share of the bank."""
    configuration = competition.full_configuration
    limit_s = float(configuration["actTimeout"])
    if limit_s <= 0:
        limit_s = competition.bank_s / max(int(configuration["episodeSteps"]), 1)
    return max(min(MOST_MOVE_S, SHARE * limit_s), LEAST_MOVE_S)


# Which make room


def retire_superseded(run: TrainingRun) -> int:
    """Takes those off the ladder that better ones have replaced; they stay in the history."""
    rows = list(
        _entered(run).filter(submission__status__in=LIVE).select_related("submission__team")
    )
    staying = _staying(run, rows)
    gone = [row for row in rows if row.step not in staying]
    return sum(_retire(row) for row in gone)


def retire_all_superseded() -> int:
    """Of runs that have ended, too: what takes a place is active only after its validation."""
    active = Count("checkpoints", filter=Q(checkpoints__submission__status=Status.ACTIVE))
    alone = TrainingRun.objects.exclude(enter=Enter.EVERY).alias(active=active)
    crowded = alone.filter(active__gt=1, competition__ladder__stage=Stage.OPEN)
    return sum(retire_superseded(run) for run in crowded)


def _staying(run: TrainingRun, rows: list[Checkpoint]) -> set[int]:
    if run.enter == Enter.EVERY:
        return spread.thin((row.step for row in rows), SYSTEM_ACTIVE_LIMIT)
    active = [row for row in rows if row.submission and row.submission.status == Status.ACTIVE]
    if not active:
        return {row.step for row in rows}
    first = max(active, key=_merit if run.enter == Enter.BEST else _step)
    return {row.step for row in rows if row == first or row not in active}


def _merit(row: Checkpoint) -> tuple[float, int]:
    return (float("-inf") if row.arena is None else row.arena, -row.step)


def _step(row: Checkpoint) -> int:
    return row.step


def _retire(row: Checkpoint) -> bool:
    assert row.submission
    return submissions.retire_superseded(row.submission, f"superseded in run {row.run_id}")


def _entered(run: TrainingRun) -> QuerySet[Checkpoint]:
    return run.checkpoints.filter(state=ENTERED)


# The curve


@dataclass(frozen=True)
class Standing:
    """A checkpoint that was entered; rating: None until it is on the ladder."""

    checkpoint: Checkpoint
    submission: Submission
    rating: Rating | None


def standing(run: TrainingRun) -> list[Standing]:
    """By step; one query."""
    rows = _entered(run).exclude(submission=None).order_by("step")
    found = []
    for row in rows.select_related("submission__team", "submission__entrant__rating"):
        assert row.submission
        entrant = getattr(row.submission, "entrant", None)
        found.append(Standing(row, row.submission, entrant.rating if entrant else None))
    return found
