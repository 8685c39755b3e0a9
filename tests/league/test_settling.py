"""When a rating settles: matches from its error, minutes from the pace that was measured."""

from datetime import timedelta

import pytest
from django.utils import timezone

from league import halts, settling
from league.models import Ladder, Match
from tests.factories import make_competition, make_entrant, make_rated_match, make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def connectx():
    return make_competition(settle_se=50.0, final_settle_se=30.0, max_matches=400, prize_cut=0)


def enter(competition, name, se=100.0, **rating):
    return make_entrant(competition, make_user(name), se=se, **rating)


def play(first, second, minutes_ago=1.0):
    match = make_rated_match(first.competition, first.submission, second.submission)
    ended = timezone.now() - timedelta(minutes=minutes_ago)
    Match.objects.filter(pk=match.pk).update(ended=ended)


def look(entrant, **ladder):
    return settling.outlook(entrant, entrant.competition, Ladder(**ladder))


def test_a_narrow_interval_is_settled(connectx):
    found = look(enter(connectx, "alice", se=49.0))
    assert (found.matches, found.minutes, found.se_limit) == (0, None, 50.0)


def test_the_final_asks_for_a_narrower_one(connectx):
    found = look(enter(connectx, "alice", se=49.0), stage="final")
    assert found.se_limit == 30.0
    assert found.matches > 0


def test_a_wider_interval_needs_more_matches_up_to_the_limit(connectx):
    wide, wider = enter(connectx, "alice", se=70.0), enter(connectx, "bob", se=100.0)
    assert 0 < look(wide).matches < look(wider).matches
    wider.rating.matches = 395
    wider.rating.save()
    assert look(wider).matches == 5


def test_minutes_are_those_that_its_share_of_the_pace_takes(connectx):
    """Two contenders and both in every match: twelve matches in ten minutes, all of them its."""
    alice, bob = enter(connectx, "alice"), enter(connectx, "bob")
    for _ in range(12):
        play(alice, bob)
    found = look(alice)
    assert (found.pace.matches, found.pace.own) == (12, 12)
    assert found.minutes == pytest.approx(found.matches * 10 / 12, abs=1)


def test_who_plays_a_smaller_share_waits_longer(connectx):
    alice, *others = (enter(connectx, name) for name in ("alice", "bob", "dora", "emil"))
    for _ in range(20):
        play(others[0], others[1])
    play(alice, others[2])
    assert look(alice).minutes > look(others[0]).minutes


def test_matches_of_an_hour_ago_are_no_pace(connectx):
    alice, bob = enter(connectx, "alice"), enter(connectx, "bob")
    play(alice, bob, minutes_ago=60)
    assert look(alice).minutes is None


def test_no_time_is_named_while_nothing_is_played(connectx):
    alice, bob = enter(connectx, "alice"), enter(connectx, "bob")
    play(alice, bob)
    assert look(alice).minutes
    halts.halt(make_staff(), "flood in the hall")
    assert look(alice).minutes is None
    halts.lift(make_staff(), "dry again")
    connectx.is_paused = True
    connectx.save()
    assert settling.outlook(alice, connectx, Ladder()).minutes is None


def test_a_fast_ladder_is_measured_over_its_newest_matches_only(connectx, monkeypatch):
    monkeypatch.setattr(settling, "NEWEST", 4)
    alice, bob = enter(connectx, "alice"), enter(connectx, "bob")
    for minutes_ago in (9, 8, 2, 1.5, 1, 0.5):
        play(alice, bob, minutes_ago)
    pace = look(alice).pace
    assert pace.matches == 4
    assert pace.minutes == pytest.approx(2.0, abs=0.1)
