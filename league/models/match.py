"""A match is what the league schedules; its row is the outbox. Each dispatch is an attempt."""

from typing import Any

from django.db import models
from django.urls import reverse

from league.models.ladder import Stage
from league.models.verdict import Judged


class MatchQuerySet(models.QuerySet["Match"]):
    def open(self) -> "MatchQuerySet":
        return self.filter(state__in=(Match.State.QUEUED, Match.State.DISPATCHED))

    def rated(self) -> "MatchQuerySet":
        return self.filter(purpose=Match.Purpose.RATED)

    def for_display(self) -> "MatchQuerySet":
        return self.select_related("competition").prefetch_related(
            "seats__submission__team", "episodes__seats"
        )


class Match(models.Model):
    class Purpose(models.TextChoices):
        SELF_PLAY = "self_play", "validation: against itself"
        HOUSE_BOTS = "house_bots", "validation: against a house bot"
        RATED = "rated", "rated"

    class Why(models.TextChoices):
        """What a rated match was chosen for (evaluation.ladder.pairing)."""

        NEW = "new", "one of the two is little known"
        NEAR = "near", "the two are close in rating"
        CUT = "cut", "it is open who of the two is above the prize cut"
        FAR = "far", "drawn from everybody, to keep the scale honest"
        REOPENED = "reopened", "a newcomer came close to a settled entrant"

    class State(models.TextChoices):
        QUEUED = "QUEUED", "waiting to be sent to a worker"
        DISPATCHED = "DISPATCHED", "with a worker"
        DONE = "DONE", "played and recorded"
        ABORTED = "ABORTED", "given up: our fault, not counted"

    competition = models.ForeignKey("league.Competition", models.CASCADE, related_name="matches")
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.RATED)
    # The submission under validation; empty for rated matches.
    candidate = models.ForeignKey(
        "league.Submission", models.CASCADE, null=True, blank=True, related_name="validations"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    state_since = models.DateTimeField()
    stage = models.CharField(max_length=5, choices=Stage.choices, default=Stage.OPEN)
    # A fault of ours needs a moment to mend: the next attempt is not sent before.
    not_before = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=8, choices=Why.choices, blank=True)
    key = models.BigIntegerField(help_text="Seed of both episodes.")
    is_rated = models.BooleanField(default=False)
    is_void = models.BooleanField(default=False)
    attempt_number = models.PositiveIntegerField(default=0)
    faults = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it waits or was given up.")
    repeats = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)

    objects = MatchQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "matches"
        indexes = [
            # Without a condition: SQLite does not see that `state IN (?, ?)` would fit one.
            models.Index(fields=("state", "state_since")),
            models.Index(fields=("competition", "-id"), name="matches_newest"),
        ]

    def __str__(self) -> str:
        return f"match {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("match-detail", args=[self.pk])


class MatchSeat(Judged):
    """A submission's part in a match; `number` is its seat in the first episode."""

    match = models.ForeignKey(Match, models.CASCADE, related_name="seats")
    number = models.PositiveSmallIntegerField()
    submission = models.ForeignKey("league.Submission", models.PROTECT, related_name="match_seats")
    status = models.CharField(max_length=8, default="INACTIVE")
    # The mean score of its episodes, 1 for a win and 0.5 for a draw; empty until played.
    score = models.FloatField(null=True)
    reward = models.FloatField(null=True)
    rating_change = models.FloatField(null=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("match", "number"), name="one_submission_a_seat")
        ]
        indexes = [models.Index(fields=("submission", "-match"))]

    def __str__(self) -> str:
        return f"seat {self.number + 1} of {self.match}"

    @property
    def outcome(self) -> str:
        """won, lost or drawn; empty until played."""
        if self.score is None:
            return ""
        return "drawn" if self.score == 0.5 else "won" if self.score > 0.5 else "lost"


class Attempt(models.Model):
    """One dispatch of a match. The number fences off late results, the token forged ones."""

    class State(models.TextChoices):
        SENT = "SENT", "sent"
        DONE = "DONE", "its result counts"
        LOST = "LOST", "its worker vanished"
        FAILED = "FAILED", "a fault of ours"

    match = models.ForeignKey(Match, models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    token = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.SENT)
    reason = models.CharField(max_length=300, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    sent = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("match", "number"), name="one_attempt_a_number")
        ]
        indexes = [models.Index(fields=("state", "sent"))]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.match}"

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "state": self.state,
            "reason": self.reason,
            "sent": self.sent.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
        }
