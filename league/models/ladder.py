"""What the joint fit reads and publishes: pair counts, and the state of a competition's ladder."""

from django.db import models


class Stage(models.TextChoices):
    """What a ladder counts: the matches up to the lock, or only those of the final evaluation."""

    OPEN = "open", "open"
    FINAL = "final", "final evaluation"


class LadderManager(models.Manager["Ladder"]):
    def locked(self, competition_id: int) -> "Ladder":
        """The row, held until the transaction ends. Whoever writes submissions, entrants, counts
        or ratings of a ladder takes it before them, so that nobody waits in a circle."""
        self.get_or_create(competition_id=competition_id)
        # No key: who adds a row that refers to this one need not wait.
        rows = self.select_for_update(of=("self",), no_key=True).select_related("competition")
        return rows.get(competition_id=competition_id)

    def of(self, competition_id: int) -> "Ladder":
        """The row as it is now, held by nobody."""
        self.get_or_create(competition_id=competition_id)
        return self.select_related("competition").get(competition_id=competition_id)

    def shown(self, competition_id: int) -> "Ladder":
        """The row for a page, which writes none: a blank one before the first match."""
        return self.filter(competition_id=competition_id).first() or Ladder()

    def stage_of(self, competition_id: int) -> str:
        found = self.filter(competition_id=competition_id).values_list("stage", flat=True).first()
        return found or Stage.OPEN


class Ladder(models.Model):
    """One row a competition: how far the log has been fitted, and what the fit found."""

    competition = models.OneToOneField(
        "league.Competition", models.CASCADE, related_name="ladder", primary_key=True
    )
    stage = models.CharField(max_length=5, choices=Stage.choices, default=Stage.OPEN)
    # Set at the lock, with a hash over who is in the field and what they uploaded.
    locked_at = models.DateTimeField(null=True)
    field_hash = models.CharField(max_length=64, blank=True)
    # Episodes that were counted, one by one: the pair counts must add up to it.
    episodes = models.PositiveBigIntegerField(default=0)
    # Highest episode id whose counts are in the pair counts, and in the published fit.
    logged_position = models.BigIntegerField(default=0)
    fitted_position = models.BigIntegerField(default=0)
    # Raised by whatever else changes the fit: an entrant joined, left or was disqualified.
    revision = models.PositiveIntegerField(default=0)
    fitted_revision = models.PositiveIntegerField(default=0)
    # Set until the counts have been made again from the log: a message for it may be lost.
    is_rebuild_due = models.BooleanField(default=False)
    fitting_until = models.DateTimeField(null=True)
    fitted_at = models.DateTimeField(null=True)
    data_hash = models.CharField(max_length=64, blank=True)
    rules_version = models.CharField(max_length=16, blank=True)
    seat_advantage = models.FloatField(default=0.0)
    seat_advantage_se = models.FloatField(default=0.0)
    draw = models.FloatField(default=0.5, help_text="Davidson's nu.")

    objects = LadderManager()

    def __str__(self) -> str:
        return f"Ladder of {self.competition}"

    @property
    def is_fitted(self) -> bool:
        """Whether the published fit knows all that is counted."""
        counted = (self.logged_position, self.revision)
        return counted == (self.fitted_position, self.fitted_revision)


class PairCount(models.Model):
    """Episodes of two entrants with `first` in the first seat: the fit's sufficient statistics."""

    competition = models.ForeignKey("league.Competition", models.CASCADE, related_name="+")
    first = models.ForeignKey("league.Entrant", models.CASCADE, related_name="+")
    second = models.ForeignKey("league.Entrant", models.CASCADE, related_name="+")
    wins = models.FloatField(default=0)
    draws = models.FloatField(default=0)
    losses = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("first", "second"), name="one_count_a_pair")]

    def __str__(self) -> str:
        return f"{self.first} against {self.second}"
