"""Teams: who plays together. To begin with, every user has a team of their own."""

from typing import Any

from django.db import IntegrityError, transaction

from league.errors import Forbidden
from league.models import Membership, Team


def team_of(user: Any) -> Team:
    """The user's team; made on first use and named after the user."""
    if not user.is_authenticated:
        raise Forbidden("Log in first: a submission belongs to a team.", "not_logged_in", 401)
    membership = Membership.objects.filter(user=user).select_related("team").first()
    return membership.team if membership else _make_team(user)


def _make_team(user: Any) -> Team:
    name = user.get_username()
    if Team.objects.filter(name=name).exists():
        name = f"{name} ({user.pk})"
    try:
        with transaction.atomic():
            team = Team.objects.create(name=name)
            Membership.objects.create(team=team, user=user, role=Membership.Role.LEADER)
            return team
    except IntegrityError:  # a simultaneous request was first
        return Membership.objects.select_related("team").get(user=user).team


def house_team() -> Team:
    return Team.objects.get_or_create(name="House", defaults={"is_house": True})[0]
