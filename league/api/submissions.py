"""Submissions: sending one in, how it fares, what it printed, taking it back."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Router
from ninja.responses import Status
from pydantic import BaseModel, Field

from league import storage, submissions
from league.api.auth import ApiRequest, Caller
from league.api.competitions import find_competition
from league.api.pages import MAX_ID, Window, window_of
from league.api.routing import IDEMPOTENCY_PARAMETER, PUBLIC, SUBMITTERS, answers, one_of
from league.api.uploads import REQUEST_BODY, read_upload
from league.errors import NotFound
from league.models import Entrant, EpisodeSeat, Rating, Submission

in_competition = Router(tags=["submissions"])
router = Router(tags=["submissions"])


class StageOut(BaseModel):
    name: str
    label: str
    state: str = Field(description="done, running, failed or waiting")
    seconds: float | None


class LineageOut(BaseModel):
    run: int
    step: int
    session: int | None = Field(description="Its number; null for what was brought by hand.")


class SubmissionOut(BaseModel):
    id: int
    competition: str
    team: str
    status: Annotated[Submission.Status, one_of(Submission.Status)]
    kind: Annotated[Submission.Kind, one_of(Submission.Kind)]
    sha256: str | None = Field(description="Of a URL agent: shown to its owner only.")
    url: str | None = Field(description="Of a URL agent: shown to its owner only.")
    description: str
    waits_for: str = Field(description="Why its validation waits; empty while it does not.")
    verdict: str
    verdict_reason: str = Field(description="Tells the kinds of a network failure apart.")
    verdict_message: str
    verdict_detail: str | None = Field(description="Traceback; shown to its owner only.")
    advice: str
    stages: list[StageOut]
    created: datetime
    rating: float | None
    rating_low: float | None = Field(description="Lower end of the 95 % interval.")
    rating_high: float | None
    rank: int | None
    matches: int
    wins: int
    draws: int
    losses: int
    training: LineageOut | None = Field(description="The checkpoint that it was made of.")

    @classmethod
    def of(cls, submission: Submission, caller: Caller) -> "SubmissionOut":
        is_owner = is_owned(submission, caller)
        is_open = is_owner or caller.user.is_staff or submission.kind != Submission.Kind.URL
        return cls(
            id=submission.pk,
            competition=submission.competition.slug,
            team=submission.team.name,
            status=Submission.Status(submission.status),
            kind=Submission.Kind(submission.kind),
            sha256=submission.sha256 if is_open else None,
            url=(submission.url or None) if is_open else None,
            description=submission.description,
            waits_for=submissions.waits_for(submission),
            verdict=submission.verdict,
            verdict_reason=submission.verdict_reason,
            verdict_message=submission.verdict_message,
            verdict_detail=submission.verdict_detail if is_owner else None,
            advice=submission.advice,
            stages=[StageOut(**stage) for stage in submission.stage_line()],
            created=submission.created,
            training=lineage(submission),
            **standing(submission),
        )


def lineage(submission: Submission) -> LineageOut | None:
    checkpoint = getattr(submission, "checkpoint", None)
    if checkpoint is None:
        return None
    session = checkpoint.session.number if checkpoint.session else None
    return LineageOut(run=checkpoint.run_id, step=checkpoint.step, session=session)


def is_owned(submission: Submission, caller: Caller) -> bool:
    return Submission.objects.visible_details_to(caller.user).filter(pk=submission.pk).exists()


def standing(submission: Submission) -> dict[str, Any]:
    """Rating and record on the ladder; empty before it has entered."""
    entrant: Entrant | None = getattr(submission, "entrant", None)
    rating = entrant.rating if entrant else Rating(elo=0.0, se=0.0)
    is_rated = entrant is not None
    return {
        "rating": round(rating.elo, 2) if is_rated else None,
        "rating_low": round(rating.elo_low, 2) if is_rated else None,
        "rating_high": round(rating.elo_high, 2) if is_rated else None,
        "rank": rating.rank if entrant and entrant.left is None else None,
        "matches": rating.matches,
        "wins": rating.wins,
        "draws": rating.draws,
        "losses": rating.losses,
    }


class LogStep(BaseModel):
    step: int
    stdout: str
    stderr: str
    seconds: float = Field(description="What its clock was charged.")
    bank_left: float | None
    wall: float | None = Field(description="Seconds from the question to the answer.")
    cpu: float | None = Field(description="Processor time of all its threads; of boxed agents.")
    delay: float | None = Field(description="Its wait for a processor; of boxed agents.")
    think: float | None = Field(description="Of URL agents: what it says that it thought.")


class EpisodeLogs(BaseModel):
    episode: int
    match: int
    seat: int
    steps: list[LogStep]


class LogsPage(BaseModel):
    items: list[EpisodeLogs]
    count: int
    logs: list[list[dict[str, Any]]] | None = Field(
        None,
        description="With `episode`: the same by step and seat, as the logs of a replay are.",
    )


class LogsWindow(Window):
    episode: int | None = Field(None, ge=1, le=MAX_ID, description="Only this episode.")


def find_submission(submission_id: int) -> Submission:
    rows = Submission.objects.select_related(
        "competition", "team", "entrant__rating", "checkpoint__session"
    )
    submission = rows.filter(pk=submission_id).first()
    if submission is None:
        raise NotFound(f"There is no submission {submission_id}.")
    return submission


@in_competition.post(
    "/{slug:slug}/submissions",
    response=answers(403, 404, 409, 411, 413, 415, 429, ok=SubmissionOut, created=SubmissionOut),
    openapi_extra={"requestBody": REQUEST_BODY, "parameters": [IDEMPOTENCY_PARAMETER]},
    **SUBMITTERS,
)
def create_submission(request: ApiRequest, slug: str) -> Status[SubmissionOut]:
    """Sends an agent in. 201; the same bytes again answer 200 with the first submission."""
    competition = find_competition(slug)
    upload, description = read_upload(request)
    receipt = submissions.submit(
        competition, request.auth.user, upload, description, request.arrived
    )
    answer = SubmissionOut.of(find_submission(receipt.submission.pk), request.auth)
    return Status(201 if receipt.created else 200, answer)


@router.get("/{int:id}", response=answers(404, ok=SubmissionOut), **PUBLIC)
def get_submission(request: ApiRequest, id: int) -> SubmissionOut:
    """How a submission fares: its stages, its verdict, its rating."""
    return SubmissionOut.of(find_submission(id), request.auth)


@router.get("/{int:id}/logs", response=answers(404, ok=LogsPage), **PUBLIC)
def get_logs(request: ApiRequest, id: int, window: Query[LogsWindow]) -> LogsPage:
    """What your agent printed and its time, by episode and step; nothing for anybody else."""
    submission = find_submission(id)
    if not is_owned(submission, request.auth):
        raise NotFound("Only its owner can read the logs of a submission.")
    rows = EpisodeSeat.objects.filter(submission=submission).select_related("episode")
    if window.episode:
        rows = rows.filter(episode=window.episode)
    seats, count = window_of(rows.order_by("-episode_id", "number"), window)
    items = [logs_of(seat) for seat in seats]
    logs = by_step(items, seats[0].episode.steps) if window.episode and seats else None
    return LogsPage(items=items, count=count, logs=logs)


def logs_of(seat: EpisodeSeat) -> EpisodeLogs:
    steps = [LogStep(**entry) for entry in storage.read_logs(seat.episode, seat.number)]
    return EpisodeLogs(
        episode=seat.episode_id, match=seat.episode.match_id, seat=seat.number, steps=steps
    )


def by_step(items: list[EpisodeLogs], length: int) -> list[list[dict[str, Any]]]:
    """For each step a list by seat, empty where the seat is not the caller's."""
    seats = max(item.seat for item in items) + 1
    logs: list[list[dict[str, Any]]] = [[{} for _ in range(seats)] for _ in range(length)]
    for item in items:
        for entry in item.steps:
            if entry.step < length:
                logs[entry.step][item.seat] = {
                    "duration": entry.seconds,
                    "stdout": entry.stdout,
                    "stderr": entry.stderr,
                }
    return logs


@router.post(
    "/{int:id}/retire",
    response=answers(403, 404, 409, ok=SubmissionOut),
    openapi_extra={"parameters": [IDEMPOTENCY_PARAMETER]},
    **SUBMITTERS,
)
def retire_submission(request: ApiRequest, id: int) -> SubmissionOut:
    """Takes your submission off the ladder; what it played stays."""
    submissions.retire(find_submission(id), request.auth.user)
    return SubmissionOut.of(find_submission(id), request.auth)
