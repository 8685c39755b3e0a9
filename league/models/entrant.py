"""An entrant is a submission on a competition's ladder, with its rating and rating history."""

from django.db import models
from django.db.models import Case, F, Q, When, Window
from django.db.models.functions import RowNumber

from league.models.competition import Competition

# A rating is provisional while it is vague and young. An entrant far from all others stays vague
# however much it plays, because such games are decided beforehand; its place is known all the same.
PROVISIONAL_SE = 80.0
PROVISIONAL_MATCHES = 30


class EntrantQuerySet(models.QuerySet["Entrant"]):
    def playing(self) -> "EntrantQuerySet":
        return self.filter(left__isnull=True)

    def ranked(self, competition: Competition) -> "EntrantQuerySet":
        """The leaderboard's rows in order, with all that a row shows: one query."""
        return (
            self.playing()
            .filter(competition=competition)
            .select_related("submission__team", "rating")
            .order_by("rating__is_provisional", "-rating__elo", "pk")
        )

    def best_of_teams(self) -> "EntrantQuerySet":
        """Each team's best alone; house bots are one team, but each is its own yardstick."""
        player = Case(
            When(submission__team__is_house=True, then=-F("submission_id")),
            default=F("submission__team_id"),
            output_field=models.BigIntegerField(),
        )
        order = ("rating__is_provisional", "-rating__elo", "pk")
        place = Window(RowNumber(), partition_by=player, order_by=order)
        return self.alias(place=place).filter(place=1)


class Entrant(models.Model):
    submission = models.OneToOneField("league.Submission", models.CASCADE, related_name="entrant")
    competition = models.ForeignKey("league.Competition", models.CASCADE, related_name="entrants")
    joined = models.DateTimeField(auto_now_add=True)
    left = models.DateTimeField(null=True, blank=True)
    is_disqualified = models.BooleanField(default=False)

    objects = EntrantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=("competition",), condition=Q(left=None), name="entrants_playing")
        ]

    def __str__(self) -> str:
        return str(self.submission)


class Rating(models.Model):
    """An entrant's number on the ladder in Elo points; SE relative to the active field's mean."""

    entrant = models.OneToOneField(Entrant, models.CASCADE, related_name="rating")
    elo = models.FloatField(default=1000.0)
    se = models.FloatField(default=300.0)
    is_provisional = models.BooleanField(default=True)
    # True between a match and the next fit: the number is a quick step, not the joint estimate.
    is_quick = models.BooleanField(default=False)
    rank = models.PositiveIntegerField(null=True)
    rank_low = models.PositiveIntegerField(null=True)
    rank_high = models.PositiveIntegerField(null=True)
    matches = models.PositiveIntegerField(default=0)
    wins = models.PositiveIntegerField(default=0)
    draws = models.PositiveIntegerField(default=0)
    losses = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    first_seats = models.PositiveIntegerField(default=0)
    # Seconds that it took itself, over all its episodes: what a match with it costs.
    spent_s = models.FloatField(default=0.0)
    # Where it stood when the field was locked for the final evaluation.
    qualifying_elo = models.FloatField(null=True)
    qualifying_rank = models.PositiveIntegerField(null=True)
    # Matches that the last published fit knew; more than these means a new point is due.
    fitted_matches = models.PositiveIntegerField(default=0)
    # The newest points of the history, oldest first, for the leaderboard's sparkline.
    spark = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.elo:.0f} ± {1.96 * self.se:.0f}"

    @property
    def elo_low(self) -> float:
        return self.elo - 1.96 * self.se

    @property
    def elo_high(self) -> float:
        return self.elo + 1.96 * self.se

    @property
    def crash_share(self) -> float:
        """Share of its episodes (two a match) that ended by this agent's own fault."""
        return self.crashes / (2 * self.matches) if self.matches else 0.0


class RatingPoint(models.Model):
    """One published rating of an entrant; `match` is the newest match it takes into account."""

    entrant = models.ForeignKey(Entrant, models.CASCADE, related_name="points")
    match = models.ForeignKey("league.Match", models.SET_NULL, null=True, related_name="+")
    elo = models.FloatField()
    se = models.FloatField()
    matches = models.PositiveIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.entrant}: {self.elo:.0f}"
