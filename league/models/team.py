"""Teams and who belongs to them. House bots live in a team of their own."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q


class TeamQuerySet(models.QuerySet["Team"]):
    def of(self, user: Any) -> "TeamQuerySet":
        if not user.is_authenticated:
            return self.none()
        return self.filter(memberships__user=user)

    def held_by(self, user: Any) -> "TeamQuerySet":
        """The user's team, and those that became part of it: what they sent in is theirs to read.

        `merged_into` always names the last of a chain.
        """
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(memberships__user=user) | Q(merged_into__memberships__user=user))


class Team(models.Model):
    name = models.CharField(max_length=150, unique=True)
    # Whoever has the link may join; without one nobody can.
    invite_code = models.CharField(max_length=32, unique=True, null=True, blank=True)
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, blank=True)
    is_house = models.BooleanField(default=False)
    # Of the site itself: nobody is in it, and what it enters is made by a program.
    is_system = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def meets_itself(self) -> bool:
        """Its entrants are yardsticks each, not allies: they may and should meet each other."""
        return self.is_house or self.is_system


class Membership(models.Model):
    class Role(models.TextChoices):
        LEADER = "leader", "Leader"
        MEMBER = "member", "Member"

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="membership")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"
