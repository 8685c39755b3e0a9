"""Teams: who plays together. To begin with, every user has a team of their own."""

import itertools
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from league import accounts, mergers
from league.errors import Conflict, Forbidden, LeagueError, NotFound
from league.mergers import Plan
from league.models import AuditEntry, Competition, Membership, Submission, Team

NAME_CHARS = 120  # of a name that is taken: the rest is for what tells the two apart
CHOSEN_NAME_CHARS = 60  # fits on a row of the leaderboard
CODE_BYTES = 24
RESERVED = re.compile(r"house|training \d.*")  # teams of the site itself, in lower case
LEADER, MEMBER = Membership.Role.LEADER, Membership.Role.MEMBER


def team_of(user: Any) -> Team:
    """The user's team; made on first use and named after the user."""
    if not user.is_authenticated:
        raise Forbidden("Log in first: a submission belongs to a team.", "not_logged_in", 401)
    membership = Membership.objects.filter(user=user).select_related("team").first()
    return membership.team if membership else _make_team(user)


def _make_team(user: Any) -> Team:
    try:
        with transaction.atomic():
            team = _new_team(user)
            Membership.objects.create(team=team, user=user, role=LEADER)
            return team
    except IntegrityError:  # a simultaneous request was first
        return Membership.objects.select_related("team").get(user=user).team


def _new_team(user: Any) -> Team:
    return Team.objects.create(name=_free_name(user.get_username(), str(user.pk)))


def house_team() -> Team:
    """Told by its mark: anybody may be called House."""
    found = Team.objects.filter(is_house=True).order_by("pk").first()
    return found or Team.objects.create(name=_free_name("House", "bots"), is_house=True)


def make_system_team(name: str) -> Team:
    """A team of the site itself, which nobody is in."""
    return Team.objects.create(name=_free_name(name, "system"), is_system=True)


def _free_name(name: str, suffix: str) -> str:
    """The name itself, or with a suffix: a team that a user has left, or merged, keeps its own."""
    more = (f"{name[:NAME_CHARS]} ({suffix}-{secrets.token_hex(2)})" for _ in itertools.count())
    names = itertools.chain((name, f"{name[:NAME_CHARS]} ({suffix})"), more)
    return next(name for name in names if not Team.objects.filter(name=name).exists())


def locked_team_of(user: Any) -> Team:
    """The user's team, its row held until the transaction ends: nobody can join or leave it."""
    (team,) = _held(team_of(user))
    _require_member(team, user)
    return team


def locked_system_team(team: Team) -> Team:
    """Its row held until the transaction ends."""
    (held,) = _held(team)
    if not held.is_system:
        raise Forbidden(f"{team} is a team of people: they submit for themselves.", "not_system")
    return held


def _held(*teams: Team) -> list[Team]:
    """The teams as they are now, held in the order of their keys: so nobody waits in a circle."""
    rows = Team.objects.select_for_update(no_key=True).filter(pk__in=[team.pk for team in teams])
    held = {row.pk: row for row in rows.order_by("pk")}
    return [held[team.pk] for team in teams]


def _require_member(team: Team, user: Any) -> None:
    if not team.memberships.filter(user=user).exists():
        raise Conflict("Your team has changed meanwhile: try again.", "team_changed")


def is_leader(team: Team, user: Any) -> bool:
    return team.memberships.filter(user=user, role=LEADER).exists()


def _require_leader(team: Team, actor: Any) -> None:
    if not (is_leader(team, actor) or actor.is_staff):
        raise Forbidden(f"Only the leader of {team} can do that.", "not_leader")


# The invitation.


@transaction.atomic
def invite(user: Any) -> str:
    """A new code that lets others join; the one before it admits nobody any more."""
    code = secrets.token_urlsafe(CODE_BYTES)
    _set_code(user, code, "invite")
    return code


@transaction.atomic
def revoke(user: Any) -> None:
    _set_code(user, None, "revoke invitation")


def _set_code(user: Any, code: str | None, action: str) -> None:
    team = locked_team_of(user)
    _require_leader(team, user)
    Team.objects.filter(pk=team.pk).update(invite_code=code)
    AuditEntry.log(user, action, team)


def invited_to(code: str) -> Team:
    """The team that this code admits to."""
    team = Team.objects.filter(invite_code=code).first()
    if team is None:
        raise NotFound("This invitation is not open any more: ask the team for a new link.")
    return team


@dataclass(frozen=True)
class Offer:
    """What following an invitation means for a user; `obstacle` is why it would be refused."""

    team: Team  # the user's, which would become a part of the other
    into: Team
    size: int
    plan: Plan
    obstacle: LeagueError | None


def offer(user: Any, code: str, arrived: datetime) -> Offer:
    team, into = team_of(user), invited_to(code)
    obstacle = None
    try:
        _require_free(user, team, into, whole_team=True)
        mergers.require_possible(team, into, arrived)
    except LeagueError as refused:
        obstacle = refused
    size = team.memberships.count()
    return Offer(team, into, size, mergers.plan(team, into, arrived), obstacle)


# Coming and going. `arrived` is when the request reached us: deadlines are judged by it.


@transaction.atomic
def join(
    user: Any, code: str, *, whole_team: bool = False, arrived: datetime | None = None
) -> Plan:
    """Follows an invitation. Who is alone in a team brings its submissions along.

    whole_team: the leader of a bigger team brings all of its members, too.
    """
    team, into = _held(team_of(user), invited_to(code))
    _require_member(team, user)
    if into.invite_code != code:  # until the row was held it could still be revoked
        invited_to(code)
    _require_free(user, team, into, whole_team=whole_team)
    return merge(user, team, into, arrived)


def _require_free(user: Any, team: Team, into: Team, *, whole_team: bool) -> None:
    if team.pk == into.pk:
        raise Conflict(f"You are in {team} already.", "same_team")
    size = team.memberships.count()
    if size > 1 and not is_leader(team, user):
        raise Conflict(f"You are in {team}: leave it first.", "in_a_team")
    if size > 1 and not whole_team:
        raise Conflict(
            f"You lead {team}: leave it first, or say that its {size} members come along.",
            "in_a_team",
        )


@transaction.atomic
def merge(actor: Any, team: Team, into: Team, arrived: datetime | None = None) -> Plan:
    """Makes `team` a part of `into`: members, submissions, entrants. That `into` wants it is the
    caller's to know."""
    team, into = _held(team, into)
    if team.pk == into.pk or team.merged_into_id or into.merged_into_id:
        raise Conflict("These are not two teams any more.", "same_team")
    _require_leader(team, actor)
    done = mergers.carry_out(team, into, arrived or timezone.now())
    AuditEntry.log(actor, "merge", f"{team} into {into}", done.summary)
    return done


@transaction.atomic
def leave(user: Any, arrived: datetime | None = None) -> Team:
    """Gives the user a team of their own; what was submitted stays with the one they leave."""
    team = locked_team_of(user)
    own = _part(team, user, arrived or timezone.now())
    AuditEntry.log(user, "leave", team)
    return own


@transaction.atomic
def remove(actor: Any, member: Any, reason: str = "", arrived: datetime | None = None) -> Team:
    """As if the member had left; for the team's leader, or staff."""
    team = locked_team_of(member)
    _require_leader(team, actor)
    if actor == member:
        raise Conflict("You cannot remove yourself: leave the team.", "not_oneself")
    own = _part(team, member, arrived or timezone.now())
    AuditEntry.log(actor, "remove member", f"{member} of {team}", reason)
    return own


def _part(team: Team, member: Any, now: datetime) -> Team:
    others = team.memberships.exclude(user=member).order_by("created", "pk")
    heir = others.first()
    if heir is None:
        raise Conflict("You are alone in this team: there is nobody to leave.", "last_member")
    mergers.require_settled([team], now)
    if is_leader(team, member):
        others.filter(pk=heir.pk).update(role=LEADER)
    own = _new_team(member)
    team.memberships.filter(user=member).update(team=own, role=LEADER, created=timezone.now())
    return own


@transaction.atomic
def make_leader(actor: Any, member: Any, reason: str = "") -> None:
    """Hands the team over to another member; for its leader, or staff."""
    team = locked_team_of(member)
    _require_leader(team, actor)
    team.memberships.update(role=MEMBER)
    team.memberships.filter(user=member).update(role=LEADER)
    AuditEntry.log(actor, "make leader", f"{member} of {team}", reason)


@transaction.atomic
def rename(actor: Any, team: Team, name: str) -> None:
    (team,) = _held(team)
    _require_leader(team, actor)
    name = _checked_name(team, name)
    try:
        with transaction.atomic():
            Team.objects.filter(pk=team.pk).update(name=name)
    except IntegrityError:  # a simultaneous request was first
        raise Conflict(f"Another team is called {name}.", "name_taken") from None
    AuditEntry.log(actor, "rename", team, name)


def _checked_name(team: Team, name: str) -> str:
    """One line of what can be seen, which nobody takes for the name of somebody else."""
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not 1 <= len(name) <= CHOSEN_NAME_CHARS or not name.isprintable():
        raise LeagueError(
            f"A name has 1 to {CHOSEN_NAME_CHARS} characters, all of them visible.", "bad_name"
        )
    others = Team.objects.exclude(pk=team.pk).filter(name__iexact=name)
    if others.exists() or (RESERVED.fullmatch(name.lower()) and not team.meets_itself):
        raise Conflict(f"Another team is called {name}.", "name_taken")
    return name


# Who may enter a competition.


def require_admitted(competition: Competition, team: Team, user: Any) -> None:
    """What a competition asks of who submits. Call it while the team's row is held."""
    accounts.require_verified_email(competition, user)
    size, limit = team.memberships.count(), competition.max_team_size
    if 0 < limit < size:
        raise Forbidden(
            f"{competition} takes teams of {limit} at most, and yours has {size} members.",
            "team_too_large",
        )
    _require_none_elsewhere(competition, team, user)


def _require_none_elsewhere(competition: Competition, team: Team, user: Any) -> None:
    """Who leaves an agent with a team may not enter another against it."""
    theirs = Submission.objects.filter(competition=competition, author=user)
    playing = theirs.exclude(team=team).filter(status__in=mergers.UNENDED)
    if found := playing.select_related("team").first():
        raise Forbidden(
            f"Your agent #{found.pk} still plays here for {found.team}, which you have left: it "
            "has to be retired first.",
            "plays_elsewhere",
        )


def hurdle(competition: Competition, user: Any) -> LeagueError | None:
    """Why this user cannot submit here, whatever it is that they send."""
    try:
        require_admitted(competition, team_of(user), user)
    except LeagueError as refused:
        return refused
    return None
