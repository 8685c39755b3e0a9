"""Callable factories. Three people with known rights: alice (owner), bob (rival), carol (staff)."""

import itertools
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from league import entrants, outbox
from league.models import (
    Competition,
    Entrant,
    Episode,
    EpisodeSeat,
    Match,
    MatchSeat,
    Submission,
)
from league.teams import house_team, team_of

_numbers = itertools.count(1)
BOTS = ("random", "tactical", "negamax")


def make_user(name: str = "alice", **fields: Any) -> Any:
    user, is_new = get_user_model().objects.get_or_create(username=name, defaults=fields)
    if is_new:
        user.set_password("correct horse battery")
        user.save()
    team_of(user)
    return user


def make_staff(name: str = "carol") -> Any:
    return make_user(name, is_staff=True, is_superuser=True)


def make_competition(slug: str = "connectx", **fields: Any) -> Competition:
    defaults = {"title": slug.title(), "environment": "connectx", "summary": "Four in a row."}
    competition = Competition(slug=slug, **(defaults | fields))
    competition.clean()
    competition.save()
    return competition


def make_submission(
    competition: Competition, user: Any = None, status: str = "ACTIVE", **fields: Any
) -> Submission:
    number = next(_numbers)
    now = timezone.now()
    user = user or make_user()
    defaults = {
        "kind": Submission.Kind.FILE,
        "filename": "main.py",
        "sha256": f"{number:064x}",
        "size_bytes": 100,
        "author": user,
        "team": team_of(user),
    }
    return Submission.objects.create(
        competition=competition, status=status, created=now, status_since=now, **(defaults | fields)
    )


def make_entrant(competition: Competition, user: Any = None, **rating: Any) -> Entrant:
    entrant = entrants.enter(make_submission(competition, user))
    for name, value in rating.items():
        setattr(entrant.rating, name, value)
    entrant.rating.save()
    return entrant


def make_house_bots(competition: Competition) -> list[Entrant]:
    """The three house bots on the ladder; the middling one anchors it."""
    bots = [
        entrants.enter(
            make_submission(
                competition,
                author=None,
                team=house_team(),
                kind=Submission.Kind.HOUSE,
                builtin=name,
                filename="",
            )
        )
        for name in BOTS
    ]
    competition.anchor = bots[1].submission
    competition.save()
    return bots


def send_match(
    competition: Competition, purpose: str, seats: list[Submission], **more: Any
) -> Match:
    """A match that is with a worker, or waits where there is a reason to."""
    match = outbox.schedule(competition, Match.Purpose(purpose), seats, **more)
    outbox.dispatch(match.pk)
    match.refresh_from_db()
    return match


def make_match(
    competition: Competition, seats: list[Submission], state: str = "QUEUED", **fields: Any
) -> Match:
    """A match row as `outbox.schedule` writes it, in any state."""
    now = timezone.now()
    match = Match.objects.create(
        competition=competition, state=state, state_since=now, created=now, key=7, **fields
    )
    MatchSeat.objects.bulk_create(
        MatchSeat(match=match, number=i, submission=seat) for i, seat in enumerate(seats)
    )
    return match


def make_rated_match(
    competition: Competition, first: Submission, second: Submission, score: float = 1.0
) -> Match:
    """A match that was played and counted: two episodes, seats swapped; `score` is the first's."""
    match = make_match(competition, [first, second], "DONE", is_rated=True, ended=timezone.now())
    for seat in match.seats.all():
        seat.score = score if seat.number == 0 else 1 - score
        seat.rating_change, seat.status = 8 * (2 * seat.score - 1), "DONE"
        seat.save()
    for number, seats in enumerate(([first, second], [second, first])):
        episode = Episode.objects.create(match=match, number=number, steps=9, cause="Four in a row")
        EpisodeSeat.objects.bulk_create(
            EpisodeSeat(
                episode=episode,
                number=place,
                submission=seat,
                status="DONE",
                score=score if seat == first else 1 - score,
                slowest_move_s=0.2,
                bank_left_s=60.0,
            )
            for place, seat in enumerate(seats)
        )
    return match
