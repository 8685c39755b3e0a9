"""Scored against expected: the expectation is the fit's model, and chance has its share."""

import math

import pytest

from evaluation.ladder.elo import POINT, expected_score
from league import matchups
from league.models import Ladder, Rating
from tests.factories import make_competition, make_entrant, make_rated_match, make_user

pytestmark = pytest.mark.django_db


def chances(gap, draw):
    """Win, draw and loss of the first seat as docs/ladder.md has them."""
    odds = [math.exp(gap * POINT / 2), draw, math.exp(-gap * POINT / 2)]
    return [part / sum(odds) for part in odds]


@pytest.mark.parametrize("gap", [-700, -90, 0, 35, 400])
@pytest.mark.parametrize("draw", [0.01, 0.5, 20.0])
def test_a_match_is_one_episode_from_each_seat_with_draws(gap, draw):
    seat = 60.0
    means, variances = [], []
    for side in (seat, -seat):
        win, tie, _ = chances(gap + side, draw)
        means.append(win + tie / 2)
        variances.append(win + tie / 4 - means[-1] ** 2)
    ladder = Ladder(draw=draw, seat_advantage=seat)
    mean, variance = matchups.expectation(Rating(elo=1000.0 + gap), Rating(elo=1000.0), ladder)
    assert mean == pytest.approx(sum(means) / 2)
    assert variance == pytest.approx(sum(variances) / 4)


def test_a_big_advantage_of_the_seat_brings_the_expectation_to_the_middle():
    """Whoever moves first wins: the stronger one scores little more than half."""
    ladder = Ladder(draw=0.01, seat_advantage=800.0)
    mean, _ = matchups.expectation(Rating(elo=1100.0), Rating(elo=1000.0), ladder)
    assert 0.5 < mean < 0.51 < expected_score(1100, 1000)


def test_more_comparisons_need_a_larger_surprise():
    assert matchups.surprise_limit(1) == pytest.approx(1.96, abs=0.001)
    assert matchups.surprise_limit(20) == pytest.approx(3.02, abs=0.01)


@pytest.fixture
def two():
    competition = make_competition()
    return [
        make_entrant(competition, make_user(name), elo=1000.0, se=20.0) for name in ("alice", "bob")
    ]


def table(mine, ladder=None):
    return matchups.matchups(mine.submission, mine.rating, ladder or Ladder())


@pytest.mark.parametrize(("played", "is_marked"), [(1, False), (8, True)])
def test_chance_explains_one_lost_match_but_not_eight(two, played, is_marked):
    """Between equals the score of a match has a standard deviation of 0.32."""
    mine, theirs = two
    for _ in range(played):
        make_rated_match(mine.competition, mine.submission, theirs.submission, score=0.0)
    (row,) = table(mine)
    assert (row.matches, row.scored, row.expected) == (played, 0.0, 0.5)
    assert row.difference == -0.5
    assert row.is_beyond_chance == is_marked


def test_what_the_ratings_do_not_know_counts_as_chance(two):
    mine, theirs = two
    for _ in range(8):
        make_rated_match(mine.competition, mine.submission, theirs.submission, score=0.0)
    mine.rating.se = 300.0
    assert not table(mine)[0].is_beyond_chance


def test_void_matches_and_those_of_another_stage_are_left_out(two):
    mine, theirs = two
    kept, void = (
        make_rated_match(mine.competition, mine.submission, theirs.submission) for _ in range(2)
    )
    void.is_void = True
    void.save()
    assert table(mine)[0].matches == 1
    assert table(mine, Ladder(stage="final")) == []
    kept.stage = "final"
    kept.save()
    assert table(mine, Ladder(stage="final"))[0].matches == 1


def test_who_was_disqualified_is_no_opponent(two):
    mine, theirs = two
    make_rated_match(mine.competition, mine.submission, theirs.submission)
    theirs.is_disqualified = True
    theirs.save()
    assert table(mine) == []
