"""A submission: one immutable upload of a team."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from league.models.team import Team
from league.models.verdict import Judged

STAGES = ("received", "unpacked", "imported", "self_play", "house_bots", "active")
STAGE_LABELS = {
    "received": "received",
    "unpacked": "unpacked",
    "imported": "imported",
    "self_play": "played itself",
    "house_bots": "played house bots",
    "active": "active",
}


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def of(self, user: Any) -> "SubmissionQuerySet":
        """Those of the user's team, and of teams that became part of it."""
        return self.filter(team__in=Team.objects.held_by(user))

    def visible_details_to(self, user: Any) -> "SubmissionQuerySet":
        """Those whose logs and tracebacks this user may read; organisers also the site's own."""
        own = Q(team__in=Team.objects.held_by(user))
        is_organiser = user.is_staff and user.has_perm("league.view_submission")
        return self.filter(own | Q(team__is_system=True) if is_organiser else own)

    def undecided(self) -> "SubmissionQuerySet":
        return self.filter(status__in=Submission.UNDECIDED)

    def counted(self) -> "SubmissionQuerySet":
        """Those that count against the daily limit."""
        return self.exclude(verdict="platform_fault")


class Submission(Judged):
    class Kind(models.TextChoices):
        FILE = "file", "File"
        SOURCE = "source", "Source"
        BUNDLE = "bundle", "Bundle"
        URL = "url", "URL"
        HOUSE = "house", "House bot"

    class Status(models.TextChoices):
        PENDING = "PENDING", "waiting for a worker"
        VALIDATING = "VALIDATING", "being validated"
        ACTIVE = "ACTIVE", "active"
        REJECTED = "REJECTED", "rejected"
        RETIRED = "RETIRED", "retired"
        DISQUALIFIED = "DISQUALIFIED", "disqualified"

    UNDECIDED = (Status.PENDING, Status.VALIDATING)
    BOXED = (Kind.FILE, Kind.SOURCE, Kind.BUNDLE)  # a URL agent plays on its owner's machine

    competition = models.ForeignKey(
        "league.Competition", models.PROTECT, related_name="submissions"
    )
    team = models.ForeignKey("league.Team", models.PROTECT, related_name="submissions")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    status_since = models.DateTimeField()
    # The SHA-256 of the upload names its file; a URL agent has the hash of its address.
    sha256 = models.CharField(max_length=64)
    filename = models.CharField(max_length=255, blank=True)
    size_bytes = models.PositiveIntegerField(default=0)
    url = models.URLField(max_length=500, blank=True)
    builtin = models.CharField(max_length=64, blank=True)
    description = models.CharField(max_length=200, blank=True)
    verdict_detail = models.TextField(blank=True)
    # {"unpacked": {"at": ISO time, "seconds": float}, ...}: each stage is written once.
    stages = models.JSONField(default=dict)
    # How often a fault of ours has put its validation off; the waits grow with it.
    postponed = models.PositiveSmallIntegerField(default=0)
    # What a disqualified one was before, for the day it is reinstated.
    disqualified_from = models.CharField(max_length=12, blank=True)
    retry_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=("team", "competition", "sha256"),
                condition=~models.Q(kind="url"),
                name="one_submission_per_content",
            )
        ]
        indexes = [
            models.Index(fields=("competition", "team", "-created")),
            models.Index(fields=("status", "status_since")),
        ]

    def __str__(self) -> str:
        return f"{self.team} #{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("submission-detail", args=[self.pk])

    @property
    def label(self) -> str:
        return self.builtin if self.kind == self.Kind.HOUSE else f"#{self.pk}"

    @property
    def full_name(self) -> str:
        """How replays name it: a house bot by itself, others with their team."""
        return self.builtin if self.is_trusted else f"{self.team.name} {self.label}"

    @property
    def is_final(self) -> bool:
        return self.status not in self.UNDECIDED

    @property
    def is_trusted(self) -> bool:
        return self.kind == self.Kind.HOUSE

    @property
    def needs_box(self) -> bool:
        """Whether a stranger's code runs here."""
        return self.kind in self.BOXED

    def stage_line(self) -> list[dict[str, Any]]:
        """The stages in order, each with label, state (done, running, failed, waiting), seconds."""
        line: list[dict[str, Any]] = []
        ended = False
        for name in STAGES:
            done = self.stages.get(name)
            state = "done" if done else "waiting"
            if not done and not ended:
                ended = True
                state = "failed" if self.status == self.Status.REJECTED else "running"
            line.append(
                {
                    "name": name,
                    "label": STAGE_LABELS[name],
                    "state": state,
                    "seconds": done["seconds"] if done else None,
                }
            )
        return line
