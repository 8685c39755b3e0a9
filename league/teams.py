"""Teams: who plays together. To begin with, every user has a team of their own."""

from typing import Any

from django.db import IntegrityError, transaction

from league.errors import Forbidden
from league.models import Membership, Team

NAME_CHARS = 120  # of a name that is taken: the rest is for what tells the two apart


def team_of(user: Any) -> Team:
    """The user's team; made on first use and named after the user."""
    if not user.is_authenticated:
        raise Forbidden("Log in first: a submission belongs to a team.", "not_logged_in", 401)
    membership = Membership.objects.filter(user=user).select_related("team").first()
    return membership.team if membership else _make_team(user)


def _make_team(user: Any) -> Team:
    try:
        with transaction.atomic():
            team = Team.objects.create(name=_free_name(user.get_username(), str(user.pk)))
            Membership.objects.create(team=team, user=user, role=Membership.Role.LEADER)
            return team
    except IntegrityError:  # a simultaneous request was first
        return Membership.objects.select_related("team").get(user=user).team


def house_team() -> Team:
    """Told by its mark: anybody may be called House."""
    found = Team.objects.filter(is_house=True).order_by("pk").first()
    return found or Team.objects.create(name=_free_name("House", "bots"), is_house=True)


def _free_name(name: str, suffix: str) -> str:
    is_taken = Team.objects.filter(name=name).exists()
    return f"{name[:NAME_CHARS]} ({suffix})" if is_taken else name
