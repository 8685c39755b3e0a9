"""Two teams become one: what stands against it, what it will do, and the doing of it."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from league import entrants, quota
from league.errors import Forbidden, LimitReached
from league.models import Competition, Ladder, Membership, Phase, Submission, Team

Status = Submission.Status
UNENDED = (*Submission.UNDECIDED, Status.ACTIVE)
# A disqualified submission may be reinstated; one that was rejected or retired is out for good.
TAKES_PART = (*UNENDED, Status.DISQUALIFIED)


@dataclass(frozen=True)
class Plan:
    """What a merger does to the submissions: the ones that come along, the ones that retire.

    `duplicates` have the same bytes as one of the other team: they retire where they are.
    `displaced` are over the active limit of the team that the two become.
    """

    moved: list[Submission]
    duplicates: list[Submission]
    displaced: list[Submission]

    @property
    def contested(self) -> list[Submission]:
        """One active submission for each ladder that gets entrants of the other team."""
        active = [row for row in self.moved if row.status == Status.ACTIVE]
        return list({row.competition_id: row for row in active}.values())

    @property
    def retired(self) -> list[Submission]:
        ended = [row for row in self.duplicates if row.status in UNENDED]
        return [*ended, *self.displaced]

    @property
    def summary(self) -> str:
        gone = ", ".join(f"#{row.pk}" for row in self.retired)
        return f"{len(self.moved)} submissions moved{f'; retired: {gone}' if gone else ''}"


def plan(team: Team, into: Team, now: datetime) -> Plan:
    """What is in a closed competition stays where it is: its ladder has been decided."""
    rows = team.submissions.select_related("competition", "team")
    movable = [row for row in rows if row.competition.phase_at(now) != Phase.CLOSED]
    uploads = into.submissions.exclude(kind=Submission.Kind.URL)
    known = set(uploads.values_list("competition_id", "sha256"))
    duplicates = [row for row in movable if _content(row) in known]
    moved = [row for row in movable if _content(row) not in known]
    return Plan(moved, duplicates, _displaced(moved, into))


def _content(row: Submission) -> tuple[int, str] | None:
    """None for a URL agent, of which there may be several at one address."""
    return None if row.kind == Submission.Kind.URL else (row.competition_id, row.sha256)


def _displaced(moved: list[Submission], into: Team) -> list[Submission]:
    """All but the newest active ones, as entrants.displace_older retires them."""
    coming = [row for row in moved if row.status == Status.ACTIVE]
    there = into.submissions.select_related("competition", "team").filter(
        status=Status.ACTIVE, competition__in={row.competition_id for row in coming}
    )
    newest_first = sorted([*coming, *there], key=lambda row: (row.created, row.pk), reverse=True)
    seen: Counter[int] = Counter()
    over = []
    for row in newest_first:
        seen[row.competition_id] += 1
        if seen[row.competition_id] > row.competition.active_limit:
            over.append(row)
    return over


def require_possible(team: Team, into: Team, now: datetime) -> None:
    """Raises what stands against the merger, if anything does."""
    if team.is_house or into.is_house:
        raise Forbidden("The team of the house bots takes nobody in.", "house_team")
    if team.is_system or into.is_system:
        raise Forbidden("The team of a training run takes nobody in.", "system_team")
    require_settled([team, into], now)
    _require_size(team, into, now)
    _require_quota(team, into)


def require_settled(teams: Collection[Team], now: datetime) -> None:
    """Once a field is locked its teams stay as they are, until the competition has closed."""
    locked = set(Ladder.objects.filter(locked_at__isnull=False).values_list("pk", flat=True))
    for competition in _entered_by(teams):
        phase = competition.phase_at(now)
        if phase == Phase.FINAL or (phase == Phase.OPEN and competition.pk in locked):
            raise Forbidden(
                f"{competition} is in its final evaluation: until it closes, the teams in it "
                "stay as they are.",
                "final_evaluation",
            )


def _entered_by(teams: Collection[Team]) -> list[Competition]:
    entered = Submission.objects.filter(team__in=teams, status__in=TAKES_PART)
    return list(Competition.objects.filter(pk__in=entered.values("competition")))


def _require_size(team: Team, into: Team, now: datetime) -> None:
    size = Membership.objects.filter(team__in=(team, into)).count()
    for competition in _entered_by([team, into]):
        limit = competition.max_team_size
        if 0 < limit < size and competition.phase_at(now) != Phase.CLOSED:
            raise Forbidden(
                f"Together you would be {size}; in {competition} a team has {limit} at most.",
                "team_too_large",
            )


def _require_quota(team: Team, into: Team) -> None:
    """Two teams that have used their limits today must not get them back by becoming one."""
    together, most = quota.used_today([team, into]), Counter(quota.used_today([into]))
    most |= Counter(quota.used_today([team]))
    for competition in Competition.objects.filter(pk__in=together):
        used = together[competition.pk]
        if used > competition.daily_limit and used > most[competition.pk]:
            raise LimitReached(
                f"Together you have sent {used} submissions to {competition} today, and "
                f"{competition.daily_limit} are allowed; the next day begins at 00:00 UTC.",
                "daily_limit",
            )


def carry_out(team: Team, into: Team, now: datetime) -> Plan:
    """Makes one team of two. Inside a transaction that holds both teams' rows."""
    for competition_id in sorted(set(team.submissions.values_list("competition", flat=True))):
        Ladder.objects.locked(competition_id)
    require_possible(team, into, now)
    todo = plan(team, into, now)
    for row in todo.duplicates:
        _retire(row)
    Submission.objects.filter(pk__in=[row.pk for row in todo.moved]).update(team=into)
    for row in todo.contested:
        row.team = into
        entrants.displace_older(row)
    team.memberships.update(team=into, role=Membership.Role.MEMBER, created=timezone.now())
    dissolved = Team.objects.filter(Q(pk=team.pk) | Q(merged_into=team))
    dissolved.update(merged_into=into, invite_code=None)
    return todo


def _retire(submission: Submission) -> None:
    rows = Submission.objects.filter(pk=submission.pk, status__in=UNENDED)
    if rows.update(status=Status.RETIRED, status_since=timezone.now()):
        entrants.leave(submission)
