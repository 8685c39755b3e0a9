"""Training runs over the API: what runs, what it has left; starting, stopping, going on."""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Prefetch
from ninja import Query, Router
from ninja.responses import Status
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from kaggle_bridge import rights, runs, series
from kaggle_bridge.metrics import MOST_SERIES
from kaggle_bridge.models import (
    Accelerator,
    Backend,
    Checkpoint,
    CheckpointState,
    Enter,
    Metric,
    RunQuerySet,
    RunState,
    Session,
    SessionState,
    TrainingRun,
)
from kaggle_bridge.runs import MOST_SESSIONS, Wish
from league.api.auth import STAFF, ApiRequest, Bearer
from league.api.errors import bad_field
from league.api.pages import Window, window_of
from league.api.routing import IDEMPOTENCY_PARAMETER, PUBLIC, answers, one_of
from league.api.uploads import Line, json_object
from league.errors import NotFound

MOST_POINTS = 1000  # of a metric
STAFF_ONLY: dict[str, Any] = {"auth": Bearer(STAFF)}
# Not the logs and manifests, which can be long.
SESSION_FIELDS = ("run", "number", "state", "step", "reason", "started", "ended")
CHECKPOINT_FIELDS = ("run", "step", "sha256", "state", "arena", "submission")
Numbers = dict[str, list[tuple[int, float]]]

router = Router(tags=["training"])


class RunIn(BaseModel):
    model_config = ConfigDict(extra="forbid", title="Run")
    preset: Annotated[Line, Field(max_length=64)] = Field(description="Its bare name.")
    config: dict[str, Any] = Field({}, description="What differs, by dotted key or nested.")
    backend: Annotated[Backend, one_of(Backend)] | None = Field(
        None, description="Where; without it Kaggle if its credentials are set, else `local`."
    )
    accelerator: Annotated[Accelerator, one_of(Accelerator)] = Accelerator.CPU
    internet: StrictBool = False
    total_steps: StrictInt | None = Field(None, description="Without it as in the preset.")
    competition: Annotated[Line, Field(max_length=50)] | None = Field(
        None, description="Whose ladder its checkpoints enter; without it none does."
    )
    enter: Annotated[Enter, one_of(Enter)] = Enter.EVERY
    max_sessions: StrictInt = Field(5, ge=1, le=MOST_SESSIONS)


class SessionOut(BaseModel):
    number: int
    state: Annotated[SessionState, one_of(SessionState)]
    step: int
    reason: str = Field(description="Why it ended so.")
    started: datetime | None
    ended: datetime | None

    @classmethod
    def of(cls, session: Session) -> "SessionOut":
        return cls(
            number=session.number,
            state=SessionState(session.state),
            step=session.step,
            reason=session.reason,
            started=session.started,
            ended=session.ended,
        )


class CheckpointOut(BaseModel):
    step: int
    sha256: str
    state: Annotated[CheckpointState, one_of(CheckpointState)]
    arena: float | None = Field(description="Its result there, on the scale of the ladders.")
    submission: int | None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "CheckpointOut":
        return cls(
            step=checkpoint.step,
            sha256=checkpoint.sha256,
            state=CheckpointState(checkpoint.state),
            arena=checkpoint.arena,
            submission=checkpoint.submission_id,
        )


class RunRow(BaseModel):
    id: int
    state: Annotated[RunState, one_of(RunState)]
    backend: Annotated[Backend, one_of(Backend)]
    accelerator: Annotated[Accelerator, one_of(Accelerator)]
    preset: str
    config: dict[str, Any] = Field(description="What differs from the preset, by dotted key.")
    competition: str | None
    enter: Annotated[Enter, one_of(Enter)]
    max_sessions: int
    sessions: list[SessionOut]
    step: int
    total_steps: int
    checkpoints: list[CheckpointOut]
    created: datetime
    ended: datetime | None
    note: str = Field(description="Why it waits; empty while it does not.")
    error: str = Field(description="Why it has ended before all steps were done.")


class RunOut(RunRow):
    metrics: Numbers = Field(
        description=f"By name `[[step, value], …]`: at most {MOST_POINTS:,} points each, evenly "
        "spread, the first and the last among them."
    )


class RunPage(BaseModel):
    items: list[RunRow]
    count: int


class RunWindow(Window):
    state: Annotated[RunState, one_of(RunState)] | None = Field(
        None, description="Only runs in this state."
    )


@router.get("/runs", response=answers(ok=RunPage), **PUBLIC)
def list_runs(request: ApiRequest, window: Query[RunWindow]) -> dict[str, Any]:
    """All training runs, without their metrics, the newest first."""
    rows = TrainingRun.objects.order_by("-pk")
    if window.state:
        rows = rows.filter(state=window.state)
    part, count = window_of(whole(rows).defer("resolved", "facts"), window)
    return {"items": [RunRow(**fields_of(run)) for run in part], "count": count}


@router.post(
    "/runs",
    response=answers(403, 415, created=RunOut),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": RunIn.model_json_schema()}},
        },
        "parameters": [IDEMPOTENCY_PARAMETER],
    },
    **STAFF_ONLY,
)
def create_run(request: ApiRequest) -> Status[RunOut]:
    """Starts a training run; takes the right to add them. It is under way at once."""
    rights.require(request.auth.user)
    run = runs.create(request.auth.user, wish_of(json_object(request.body)))
    return Status(201, answer_of(run.pk))


@router.get("/runs/{int:id}", response=answers(404, ok=RunOut), **PUBLIC)
def get_run(request: ApiRequest, id: int) -> RunOut:
    """A training run: its sessions, its metrics so far, its checkpoints and what became of them."""
    return answer_of(id)


@router.post(
    "/runs/{int:id}/cancel",
    response=answers(403, 404, 409, ok=RunOut),
    openapi_extra={"parameters": [IDEMPOTENCY_PARAMETER]},
    **STAFF_ONLY,
)
def cancel_run(request: ApiRequest, id: int) -> RunOut:
    """Ends a run; its checkpoints stay. A kernel at Kaggle runs on until its own deadline."""
    rights.require(request.auth.user)
    runs.cancel(find_run(id), request.auth.user)
    return answer_of(id)


@router.post(
    "/runs/{int:id}/retry",
    response=answers(403, 404, 409, ok=RunOut),
    openapi_extra={"parameters": [IDEMPOTENCY_PARAMETER]},
    **STAFF_ONLY,
)
def retry_run(request: ApiRequest, id: int) -> RunOut:
    """Goes on with a failed or cancelled run, from its newest checkpoint."""
    rights.require(request.auth.user)
    runs.retry(find_run(id), request.auth.user)
    return answer_of(id)


def wish_of(body: dict[str, Any]) -> Wish:
    try:
        given = RunIn.model_validate(body)
    except ValidationError as error:
        raise bad_field([dict(detail) for detail in error.errors()]) from None
    return Wish(**dict(given))


def whole(rows: RunQuerySet) -> RunQuerySet:
    """With all that is answered of them, in a constant number of queries."""
    sessions = Session.objects.only(*SESSION_FIELDS)
    checkpoints = Checkpoint.objects.only(*CHECKPOINT_FIELDS)
    return rows.select_related("competition").prefetch_related(
        Prefetch("sessions", sessions), Prefetch("checkpoints", checkpoints)
    )


def find_run(run_id: int) -> TrainingRun:
    run = whole(TrainingRun.objects.filter(pk=run_id)).first()
    if run is None:
        raise NotFound(f"There is no training run {run_id}.")
    return run


def answer_of(run_id: int) -> RunOut:
    run = find_run(run_id)
    return RunOut(**fields_of(run), metrics=numbers_of(run))


def fields_of(run: TrainingRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "state": RunState(run.state),
        "backend": Backend(run.backend),
        "accelerator": Accelerator(run.accelerator),
        "preset": run.preset,
        "config": run.config,
        "competition": run.competition.slug if run.competition else None,
        "enter": Enter(run.enter),
        "max_sessions": run.max_sessions,
        "sessions": [SessionOut.of(session) for session in run.sessions.all()],
        "step": run.step,
        "total_steps": run.total_steps,
        "checkpoints": [CheckpointOut.of(checkpoint) for checkpoint in run.checkpoints.all()],
        "created": run.created,
        "ended": run.ended,
        "note": run.note,
        "error": run.error,
    }


def numbers_of(run: TrainingRun) -> Numbers:
    """The metrics by name, thinned."""
    lines = Metric.objects.filter(run=run).order_by("step")
    steps = list(lines.values_list("step", flat=True))
    if len(steps) > 2 * MOST_POINTS:
        interval = run.resolved.get("evaluate_interval")
        lines = lines.filter(step__in=series.chosen(steps, interval, MOST_POINTS))
    found: Numbers = {}
    for step, values in lines.values_list("step", "values"):
        for name, value in values.items():
            is_new = name not in found
            if isinstance(value, int | float) and not (is_new and len(found) >= MOST_SERIES):
                found.setdefault(name, []).append((step, value))
    return {name: series.thin(points, MOST_POINTS) for name, points in found.items()}
