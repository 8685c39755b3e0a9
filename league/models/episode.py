"""An episode: one play from reset to done. Its replay and private logs are files (storage.py)."""

from django.db import models
from django.urls import reverse

from league.models.verdict import Judged


class Episode(models.Model):
    match = models.ForeignKey("league.Match", models.CASCADE, related_name="episodes")
    number = models.PositiveSmallIntegerField()
    steps = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    is_overloaded = models.BooleanField(default=False)
    level = models.CharField(max_length=4, blank=True)  # of isolation; empty if nothing was boxed
    limits = models.JSONField(default=dict)  # a league.limits.PlayLimits, as they were
    cause = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=("match", "number"), name="one_result_an_episode")
        ]
        indexes = [models.Index(fields=("created",))]

    def __str__(self) -> str:
        return f"episode {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("episode-detail", args=[self.pk])


class EpisodeSeat(Judged):
    episode = models.ForeignKey(Episode, models.CASCADE, related_name="seats")
    number = models.PositiveSmallIntegerField()
    submission = models.ForeignKey("league.Submission", models.PROTECT, related_name="+")
    status = models.CharField(max_length=8)
    reward = models.FloatField(null=True)
    score = models.FloatField(null=True)
    verdict_detail = models.TextField(blank=True)
    bank_left_s = models.FloatField(null=True)
    slowest_move_s = models.FloatField(null=True)
    cpu_s = models.FloatField(null=True)
    delay_s = models.FloatField(null=True)
    spent_s = models.FloatField(null=True)  # all its moves together, as its clock charged them

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=("episode", "number"), name="one_result_a_seat")
        ]

    def __str__(self) -> str:
        return f"seat {self.number + 1} of {self.episode}"
