"""Submissions: what a team sends in, its limits, its validation, its end."""

import hashlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Value
from django.utils import timezone

from evaluation.url_agent import check_url
from league import alerts, disk, entrants, finals, ledger, quota, storage, teams
from league.errors import Conflict, Forbidden, LeagueError, LimitReached, TooLarge
from league.models import (
    AuditEntry,
    Competition,
    Entrant,
    Ladder,
    Match,
    Phase,
    Stage,
    Submission,
    Team,
)
from league.queue import later
from league.results import VerdictData

EXTENSIONS = {
    ".py": Submission.Kind.FILE,
    ".zip": Submission.Kind.BUNDLE,
    ".tar.gz": Submission.Kind.BUNDLE,
}
MAX_URL_CHARS = 500
RETRY_AFTER = timedelta(minutes=2)
LONGEST_RETRY = timedelta(hours=1)
WORRYING = 3  # times that a validation was put off


@dataclass(frozen=True)
class Upload:
    """What somebody sends in: one of four kinds, its form already checked."""

    kind: Submission.Kind
    filename: str
    content: bytes = b""
    url: str = ""

    @classmethod
    def from_file(cls, filename: str, content: bytes) -> "Upload":
        kind = next((k for end, k in EXTENSIONS.items() if filename.lower().endswith(end)), None)
        if kind is None:
            raise LeagueError(
                "Upload a .py file, or a .zip or .tar.gz with main.py in it.", "bad_extension"
            )
        return cls(kind, filename[-255:], _checked(content))

    @classmethod
    def from_source(cls, source: str) -> "Upload":
        if not source.strip():
            raise LeagueError("The source is empty: paste your agent's code.", "empty_upload")
        return cls(Submission.Kind.SOURCE, "main.py", _checked(source.encode()))

    @classmethod
    def from_url(cls, url: str) -> "Upload":
        try:
            check_url(url)
        except ValueError as error:
            raise LeagueError(str(error), "bad_url") from None
        if len(url) > MAX_URL_CHARS:
            raise LeagueError(f"The URL is longer than {MAX_URL_CHARS} characters.", "bad_url")
        return cls(Submission.Kind.URL, "", url=url)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content or self.url.encode()).hexdigest()


def _checked(content: bytes) -> bytes:
    if not content:
        raise LeagueError("The file is empty: choose the one with your agent.", "empty_upload")
    if len(content) > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES // 2**20
        raise TooLarge(f"The upload is larger than {limit} MB: leave out what it does not need.")
    return content


@dataclass(frozen=True)
class Receipt:
    """created is False where the same bytes had been sent before: that submission answers."""

    submission: Submission
    created: bool


@dataclass(frozen=True)
class Limits:
    """What a user may still submit today; closed_reason is empty while submissions are taken."""

    daily: int
    used_today: int
    active_limit: int
    resets_at: datetime
    closed_reason: str = ""
    active: list[Submission] = field(default_factory=list)

    @property
    def left_today(self) -> int:
        return max(0, self.daily - self.used_today)

    @property
    def displaces(self) -> Submission | None:
        """The submission that the next one would push off the ladder."""
        full = len(self.active) >= self.active_limit > 0
        return self.active[self.active_limit - 1] if full else None


def submit(
    competition: Competition,
    user: Any,
    upload: Upload,
    description: str = "",
    arrived: datetime | None = None,
) -> Receipt:
    """Takes an upload in. arrived: when the request reached us, which the deadline is judged by."""
    teams.team_of(user)
    _require_open(competition, upload, arrived or timezone.now())
    with transaction.atomic():
        # One submission of a team at a time: the daily limit is a count, which a race would pass.
        team = teams.locked_team_of(user)
        teams.require_admitted(competition, team, user)
        same = _same_content(competition, team, upload)
        if same:
            return Receipt(same, created=False)
        _require_quota(competition, team)
        return _take_in(competition, team, user, upload, description)


def submit_as(
    team: Team, competition: Competition, upload: Upload, description: str = ""
) -> Receipt:
    """For a team of the site itself, which no limits of people bind; else as `submit`."""
    _require_open(competition, upload, timezone.now())
    with transaction.atomic():
        team = teams.locked_system_team(team)
        same = _same_content(competition, team, upload)
        if same:
            return Receipt(same, created=False)
        receipt = _take_in(competition, team, None, upload, description)
        AuditEntry.log(None, "submit", _name(receipt.submission), description)
    return receipt


def _take_in(
    competition: Competition, team: Team, author: Any, upload: Upload, description: str
) -> Receipt:
    """A new submission, with the team's row held."""
    _require_room(upload)
    if upload.content:
        storage.save_upload(upload.content)
    Ladder.objects.locked(competition.pk)
    finals.require_open_field(competition)  # an upload may end long after it began
    submission = _create(competition, team, author, upload, description)
    later("league.validate_submission", submission.pk)
    return Receipt(submission, created=True)


def _require_room(upload: Upload) -> None:
    if upload.content and disk.is_nearly_full():
        raise LeagueError(
            "The league's disk is nearly full, which is not your fault: try again later.",
            "disk_full",
            503,
        )


def _require_open(competition: Competition, upload: Upload, arrived: datetime) -> None:
    reason = closed_reason(competition, arrived)
    if reason:
        raise Forbidden(reason, "submissions_closed")
    if upload.kind == Submission.Kind.URL and not competition.allow_urls:
        raise Forbidden("This competition takes no URL agents: upload a file.", "urls_not_allowed")


def closed_reason(competition: Competition, now: datetime) -> str:
    match competition.phase_at(now):
        case Phase.UPCOMING:
            return f"Submissions open on {competition.opens_at:%-d %B %Y at %H:%M} UTC."
        case Phase.OPEN:
            return ""
    return "The deadline has passed: submissions are closed."


def _same_content(competition: Competition, team: Team, upload: Upload) -> Submission | None:
    if upload.kind == Submission.Kind.URL:
        return None
    same = Submission.objects.filter(competition=competition, team=team, sha256=upload.sha256)
    return same.exclude(kind=Submission.Kind.URL).first()


def _used_today(competition: Competition, team: Team) -> int:
    return quota.used_today([team]).get(competition.pk, 0)


def _require_quota(competition: Competition, team: Team) -> None:
    if _used_today(competition, team) >= competition.daily_limit:
        raise LimitReached(
            f"Your team has used its {competition.daily_limit} submissions of today; "
            "the next day begins at 00:00 UTC.",
            "daily_limit",
        )


def _create(
    competition: Competition, team: Team, user: Any, upload: Upload, description: str
) -> Submission:
    now = timezone.now()
    return Submission.objects.create(
        competition=competition,
        team=team,
        author=user,
        kind=upload.kind,
        sha256=upload.sha256,
        filename=upload.filename,
        size_bytes=len(upload.content),
        url=upload.url,
        description=description[:200],
        created=now,
        status_since=now,
        stages={"received": _stage(0.0)},
    )


def limits(competition: Competition, user: Any) -> Limits:
    membership = getattr(user, "membership", None) if user.is_authenticated else None
    rows = Submission.objects.filter(competition=competition)
    active = (
        rows.filter(team=membership.team, status=Submission.Status.ACTIVE) if membership else []
    )
    return Limits(
        daily=competition.daily_limit,
        used_today=_used_today(competition, membership.team) if membership else 0,
        active_limit=competition.active_limit,
        resets_at=quota.day_start() + timedelta(days=1),
        closed_reason=closed_reason(competition, timezone.now()),
        active=list(active),
    )


# Validation: a game against itself, then one in each seat against a house bot.


def begin_validation(submission_id: int) -> Submission | None:
    """Claims a waiting submission for validation; None if somebody else has it already."""
    claimed = Submission.objects.filter(pk=submission_id, status=Submission.Status.PENDING).update(
        status=Submission.Status.VALIDATING, status_since=timezone.now(), retry_at=None
    )
    return Submission.objects.get(pk=submission_id) if claimed else None


def waits_for(submission: Submission) -> str:
    """Why nothing happens to it at the moment; empty if it is looked at, or settled."""
    if submission.status == Submission.Status.PENDING:
        return submission.verdict_message
    if submission.status != Submission.Status.VALIDATING:
        return ""
    waiting = submission.validations.filter(state=Match.State.QUEUED)
    return waiting.values_list("reason", flat=True).first() or ""


def mark_stage(submission_id: int, stage: str, seconds: float) -> None:
    with transaction.atomic():
        # Locked: progress and result write to the same JSON field from different processes.
        submission = Submission.objects.select_for_update(no_key=True).get(pk=submission_id)
        if stage not in submission.stages:
            submission.stages[stage] = _stage(seconds)
            submission.save(update_fields=["stages"])


def _stage(seconds: float) -> dict[str, Any]:
    return {"at": timezone.now().isoformat(), "seconds": round(seconds, 3)}


@transaction.atomic
def activate(submission: Submission) -> bool:
    """The end of a validation that went well: the submission enters the ladder."""
    Ladder.objects.locked(submission.competition_id)
    mark_stage(submission.pk, "active", (timezone.now() - submission.created).total_seconds())
    if not _end_validation(submission, Submission.Status.ACTIVE):
        return False
    entrants.enter(submission)
    later("league.pair", submission.competition_id)
    return True


def reject(submission: Submission, verdict: VerdictData) -> bool:
    return _end_validation(
        submission,
        Submission.Status.REJECTED,
        verdict=verdict.code,
        verdict_reason=verdict.reason,
        verdict_message=verdict.message,
        verdict_detail=verdict.detail,
    )


def _end_validation(submission: Submission, status: Submission.Status, **fields: str) -> bool:
    ended = Submission.objects.filter(pk=submission.pk, status=Submission.Status.VALIDATING)
    return bool(ended.update(status=status, status_since=timezone.now(), **fields))


def postpone(submission: Submission, reason: str) -> bool:
    """A fault of ours stopped the validation: it waits and is tried again, at nobody's cost."""
    times = submission.postponed + 1
    is_final = submission.competition.phase == Phase.FINAL  # the lock waits for it
    longest = RETRY_AFTER if is_final else LONGEST_RETRY
    wait = min(RETRY_AFTER * 2 ** min(times - 1, 10), longest) * random.uniform(0.5, 1.0)
    validating = Submission.objects.filter(pk=submission.pk, status=Submission.Status.VALIDATING)
    postponed = validating.update(
        status=Submission.Status.PENDING,
        status_since=timezone.now(),
        retry_at=timezone.now() + wait,
        postponed=times,
        verdict_message=reason[:500],
    )
    if postponed and times >= WORRYING:
        message = f"The validation of {submission} was put off {times} times: {reason}"
        alerts.raise_alert("validation_put_off", message, submission.competition.slug)
    return bool(postponed)


# The end of a submission.


@transaction.atomic
def retire(submission: Submission, user: Any, reason: str = "") -> None:
    """Its owner, or an organiser, takes it off the ladder; what it played stays."""
    is_owner = submission.team.memberships.filter(user=user).exists()
    if not (is_owner or user.has_perm("league.change_submission")):
        raise Forbidden("Only its team can retire a submission.", "not_owner")
    Ladder.objects.locked(submission.competition_id)
    finals.require_open_field(submission.competition)
    _end_active(submission, Submission.Status.RETIRED)
    AuditEntry.log(user, "retire", _name(submission), reason)


@transaction.atomic
def retire_superseded(submission: Submission, reason: str) -> bool:
    """The site takes back what it has entered itself; False where that is over, or locked."""
    if not submission.team.is_system:
        raise Forbidden(f"{submission.team} retires its submissions itself.", "not_system")
    ladder = Ladder.objects.locked(submission.competition_id)
    active = Submission.objects.filter(pk=submission.pk, status=Submission.Status.ACTIVE)
    if ladder.stage != Stage.OPEN or not active.exists():
        return False
    _end_active(submission, Submission.Status.RETIRED)
    AuditEntry.log(None, "retire", _name(submission), reason)
    return True


@transaction.atomic
def disqualify(submission: Submission, actor: Any, reason: str) -> None:
    """Its episodes leave the rating of everybody."""
    _end_active(submission, Submission.Status.DISQUALIFIED)
    AuditEntry.log(actor, "disqualify", _name(submission), reason)
    ledger.ask_for_rebuild(submission.competition_id)


def reinstate(submission: Submission, actor: Any, reason: str) -> None:
    """Undoes a disqualification: it is what it was, and its episodes count again. One that was
    under validation begins anew."""
    with transaction.atomic():
        Ladder.objects.locked(submission.competition_id)
        submission.refresh_from_db(fields=["disqualified_from"])
        status = submission.disqualified_from or Submission.Status.ACTIVE
        if status == Submission.Status.VALIDATING:
            status = Submission.Status.PENDING
        _guard(submission, {Submission.Status.DISQUALIFIED}, status)
        _require_in_field(submission, status)
        AuditEntry.log(actor, "reinstate", _name(submission), reason)
        if status == Submission.Status.PENDING:
            later("league.validate_submission", submission.pk)
            return
        entrants.restore(submission, is_playing=status == Submission.Status.ACTIVE)
        ledger.ask_for_rebuild(submission.competition_id)


def _require_in_field(submission: Submission, status: str) -> None:
    """Into a locked field only those come back who were in it."""
    entrant = Entrant.objects.filter(submission=submission).select_related("rating").first()
    was_in = entrant and entrant.rating.qualifying_elo is not None
    if status != Submission.Status.RETIRED and not was_in:
        finals.require_open_field(submission.competition)


@transaction.atomic
def _end_active(submission: Submission, status: Submission.Status) -> None:
    allowed = {Submission.Status.ACTIVE}
    if status == Submission.Status.DISQUALIFIED:
        allowed |= {Submission.Status.RETIRED, *Submission.UNDECIDED}
    _guard(submission, allowed, status)
    entrants.leave(submission, disqualified=status == Submission.Status.DISQUALIFIED)


def _guard(submission: Submission, allowed: set[Any], status: str) -> None:
    Ladder.objects.locked(submission.competition_id)
    before = F("status") if status == Submission.Status.DISQUALIFIED else Value("")
    changed = Submission.objects.filter(pk=submission.pk, status__in=allowed).update(
        status=status, status_since=timezone.now(), disqualified_from=before, retry_at=None
    )
    if not changed:
        submission.refresh_from_db(fields=["status"])
        state = submission.get_status_display()
        raise Conflict(f"This submission is {state}; nothing was changed.", "wrong_state")
    submission.status = status


def _name(submission: Submission) -> str:
    return f"submission {submission.pk} of {submission.team}"
