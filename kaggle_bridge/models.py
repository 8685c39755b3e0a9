"""The nouns of training: runs, their sessions, the metrics and checkpoints they leave.

A state changes by a guarded update only (`move`); the verbs are in `runs`, `sessions`, `entrants`.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

LONGEST_PAUSE = timedelta(hours=2)


class Backend(models.TextChoices):
    LOCAL = "local", "this machine"
    KAGGLE = "kaggle", "Kaggle"


class Accelerator(models.TextChoices):
    CPU = "cpu", "CPU"
    GPU = "gpu", "GPU"
    TPU = "tpu", "TPU"


class Enter(models.TextChoices):
    EVERY = "every", "every checkpoint"
    BEST = "best", "the best of the arena"
    LAST = "last", "the last one"


class Moving(models.Model):
    """A row with a state; whoever changes it says which one he found."""

    state_since = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def move(self, old: Any, new: Any, **fields: Any) -> bool:
        """From the state `old` (or one of several) to `new`; False where another was faster."""
        olds = [old] if isinstance(old, str) else list(old)
        values = {"state": new, "state_since": timezone.now(), **fields}
        rows: Any = type(self)._default_manager
        rows = rows.filter(pk=self.pk, state__in=olds)
        if not rows.update(**values):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        return True

    def keep(self, **fields: Any) -> None:
        """Writes these fields alone, in the row and here."""
        type(self)._default_manager.filter(pk=self.pk).update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)


class RunState(models.TextChoices):
    DRAFT = "DRAFT", "draft"
    PUSHING = "PUSHING", "being sent"
    QUEUED = "QUEUED", "queued"
    RUNNING = "RUNNING", "running"
    WAITING = "WAITING", "waiting"
    COMPLETE = "COMPLETE", "complete"
    IMPORTED = "IMPORTED", "imported"
    FAILED = "FAILED", "failed"
    CANCELLED = "CANCELLED", "cancelled"


class RunQuerySet(models.QuerySet["TrainingRun"]):
    def active(self) -> "RunQuerySet":
        """Those that a look may move on."""
        return self.filter(state__in=TrainingRun.ACTIVE, ended=None)

    def due(self, now: datetime) -> "RunQuerySet":
        """Those whose pause is over, or longer than any pause is: the clock was set back."""
        never = Q(due_at__gt=now + LONGEST_PAUSE, waits_until=None)
        return self.active().filter(Q(due_at__lte=now) | never).order_by("due_at", "pk")


class TrainingRun(Moving):
    """config: overrides by dotted key. resolved: the whole configuration as it was checked.

    note: why it waits, or what went wrong last. error: why it has ended. kernel_ref, dataset_ref:
    OWNER/SLUG at the backend. facts: what the check of the configuration told (schema.py).
    """

    State = RunState
    ACTIVE = (
        RunState.PUSHING, RunState.QUEUED, RunState.RUNNING, RunState.WAITING, RunState.COMPLETE,
    )  # fmt: skip
    TRAINING = ACTIVE[:-1]

    preset = models.CharField(max_length=64)
    config = models.JSONField(default=dict, blank=True)
    resolved = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    total_steps = models.BigIntegerField()
    backend = models.CharField(max_length=8, choices=Backend.choices)
    accelerator = models.CharField(
        max_length=4, choices=Accelerator.choices, default=Accelerator.CPU
    )
    internet = models.BooleanField(default=False)
    is_private = models.BooleanField(default=True)
    is_notebook = models.BooleanField(default=False)
    max_sessions = models.PositiveSmallIntegerField(default=5)
    session_s = models.PositiveIntegerField()
    competition = models.ForeignKey(
        "league.Competition", models.PROTECT, null=True, blank=True, related_name="training_runs"
    )
    enter = models.CharField(max_length=5, choices=Enter.choices, default=Enter.EVERY)
    team = models.ForeignKey(
        "league.Team", models.PROTECT, null=True, blank=True, related_name="training_runs"
    )
    state = models.CharField(max_length=9, choices=RunState.choices, default=RunState.DRAFT)
    step = models.BigIntegerField(default=0)
    note = models.CharField(max_length=500, blank=True)
    error = models.CharField(max_length=500, blank=True)
    waits_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    # Faults of network and service in a row; the pauses grow with them.
    troubles = models.PositiveSmallIntegerField(default=0)
    kernel_ref = models.CharField(max_length=120, blank=True)
    dataset_ref = models.CharField(max_length=120, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField(default=timezone.now)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")
        indexes = [models.Index(fields=("state", "due_at"))]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.preset})"

    def get_absolute_url(self) -> str:
        return reverse("training-detail", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Nothing more happens by itself; complete and over: it was to enter no competition."""
        return self.ended is not None

    @property
    def share(self) -> float:
        """Of all its steps, from 0 to 1."""
        return min(self.step / self.total_steps, 1.0) if self.total_steps else 0.0


class SessionState(models.TextChoices):
    PUSHING = "PUSHING", "being sent"
    QUEUED = "QUEUED", "queued"
    RUNNING = "RUNNING", "running"
    COMPLETE = "COMPLETE", "complete"
    TIMED_OUT = "TIMED_OUT", "timed out"
    FAILED = "FAILED", "failed"
    CANCELLED = "CANCELLED", "cancelled"


class Session(Moving):
    """One kernel version. token: embedded in its script, tells this push from all others.

    pushed_at: when a push began whose answer has not come; it may exist. finished_at: when the
    service said that it had ended; its output is taken after that. dataset_before: number of the
    dataset's version before ours; dataset_version: of the one with `resume` in it. result: what
    the kernel said of itself (training.session). report: devices, versions, inputs, first step.
    """

    State = SessionState
    OPEN = (SessionState.PUSHING, SessionState.QUEUED, SessionState.RUNNING)

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="sessions")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(
        max_length=9, choices=SessionState.choices, default=SessionState.PUSHING
    )
    token = models.CharField(max_length=32, unique=True)
    resume = models.ForeignKey(
        "Checkpoint", models.PROTECT, null=True, blank=True, related_name="resumed_by"
    )
    dataset_before = models.PositiveIntegerField(null=True)
    dataset_sent_at = models.DateTimeField(null=True)
    dataset_version = models.PositiveIntegerField(null=True)
    kernel_version = models.PositiveIntegerField(null=True)
    kernel_url = models.CharField(max_length=300, blank=True)
    kernel_sha256 = models.CharField(max_length=64, blank=True)
    source_hash = models.CharField(max_length=64, blank=True)
    pushed_at = models.DateTimeField(null=True)
    started = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)
    step = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)
    report = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    log = models.TextField(blank=True)  # its end

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("run", "number"), name="one_session_per_number"),
            models.UniqueConstraint(
                fields=("run",),
                condition=Q(state__in=("PUSHING", "QUEUED", "RUNNING")),
                name="one_open_session_per_run",
            ),
        ]

    def __str__(self) -> str:
        return f"session {self.number} of {self.run}"


class CheckpointState(models.TextChoices):
    KEPT = "KEPT", "kept"  # to go on from, or nothing more yet
    WANTED = "WANTED", "on its way"  # shall become a submission
    ENTERED = "ENTERED", "entered"
    REFUSED = "REFUSED", "refused"


class Checkpoint(Moving):
    """A verified file in the store. sha256: of all its bytes. session: None if brought by hand.

    manifest: step, task, versions, source_hash, environment of its header. arena: its result
    there, on the scale of the ladders, if it was there.
    """

    State = CheckpointState

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="checkpoints")
    session = models.ForeignKey(
        Session, models.SET_NULL, null=True, blank=True, related_name="checkpoints"
    )
    step = models.BigIntegerField()
    state = models.CharField(
        max_length=8, choices=CheckpointState.choices, default=CheckpointState.KEPT
    )
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    manifest = models.JSONField(default=dict)
    arena = models.FloatField(null=True, blank=True)
    submission = models.OneToOneField(
        "league.Submission", models.SET_NULL, null=True, blank=True, related_name="checkpoint"
    )
    error = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("step", "pk")
        constraints = [
            models.UniqueConstraint(fields=("run", "step"), name="one_checkpoint_per_step")
        ]

    def __str__(self) -> str:
        return f"step {self.step:,} of {self.run}"


class Metric(models.Model):
    """A line of metrics.jsonl without its step; `events` left in it."""

    run = models.ForeignKey(TrainingRun, models.CASCADE, related_name="metrics")
    step = models.BigIntegerField()
    values = models.JSONField(default=dict)

    class Meta:
        ordering = ("step",)
        constraints = [models.UniqueConstraint(fields=("run", "step"), name="one_metric_per_step")]

    def __str__(self) -> str:
        return f"step {self.step:,} of {self.run}"


class Account(models.Model):
    """What the bridge knows of an account; the one process that may look tells the others.

    problem: one sentence, empty while all is well. quota: {"gpu": {"used_s", "total_s",
    "resets_at"}, "tpu": …}, as far as the service has answered. Never a secret.
    """

    backend = models.CharField(max_length=8, choices=Backend.choices, unique=True)
    owner = models.CharField(max_length=64, blank=True)
    has_credentials = models.BooleanField(default=False)
    problem = models.CharField(max_length=500, blank=True)
    quota = models.JSONField(default=dict)
    quota_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.owner or self.get_backend_display()
