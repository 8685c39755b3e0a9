"""Ratings: quick steps, the published fit, and the log as the only truth."""

import random

import pytest

from league import ledger, matches, ratings, submissions, tasks
from league.models import Entrant, Ladder, Match, PairCount, Rating, RatingPoint
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_staff,
    make_user,
    send_match,
)
from tests.league.test_matches import FAULT, episode_result, result_of

pytestmark = pytest.mark.django_db


def play(competition, first, second, *rewards) -> Match:
    """A recorded rated match; rewards of the two episodes, by seat."""
    match = send_match(competition, Match.Purpose.RATED, [first.submission, second.submission])
    results = [episode_result(pair) for pair in rewards or ((1, -1), (-1, 1))]
    assert matches.record(result_of(match.attempts.get(), *results))
    match.refresh_from_db()
    return match


@pytest.fixture
def league():
    """Three house bots, alice and bob, and some matches with seeded results."""
    competition = make_competition()
    bots = make_house_bots(competition)
    field = [
        *bots,
        make_entrant(competition, make_user()),
        make_entrant(competition, make_user("bob")),
    ]
    chance = random.Random(5)
    for _ in range(24):
        a, b = chance.sample(range(len(field)), 2)
        wins = [(1, -1) if a > b else (-1, 1), (-1, 1) if a > b else (1, -1)]
        games = [pair if chance.random() < 0.8 else pair[::-1] for pair in wins]
        play(competition, field[a], field[b], *games)
    return competition, field


def test_between_fits_the_winner_gains_and_the_number_is_marked_as_quick() -> None:
    competition = make_competition()
    alice, bob = (make_entrant(competition, make_user(name)) for name in ("alice", "bob"))
    play(competition, alice, bob)
    winner, loser = (Rating.objects.get(entrant=e) for e in (alice, bob))
    assert winner.elo > 1000 > loser.elo
    assert winner.is_quick
    assert winner.se < 300


def test_the_anchor_stands_at_1000(league) -> None:
    competition, field = league
    assert ratings.refit(competition)
    assert Rating.objects.get(entrant=field[1]).elo == pytest.approx(1000)
    assert not Rating.objects.filter(is_quick=True).exists()


def test_a_fit_publishes_ranks_points_and_its_log_position(league) -> None:
    competition, _ = league
    ratings.refit(competition)
    ladder = Ladder.objects.get()
    assert ladder.fitted_position == ladder.logged_position > 0
    assert len(ladder.data_hash) == 64
    best = Rating.objects.order_by("-elo").first()
    assert best.rank == best.rank_low == 1
    point = RatingPoint.objects.filter(entrant=best.entrant).latest("pk")
    assert point.elo == best.elo
    assert point.match.seats.filter(submission=best.entrant.submission).exists()
    assert best.spark == [round(point.elo)]


def test_nothing_new_means_no_fit(league) -> None:
    competition, _ = league
    assert ratings.refit(competition)
    assert not ratings.refit(competition)
    assert RatingPoint.objects.count() == 5


def test_a_fit_that_runs_keeps_others_away(league) -> None:
    from django.utils import timezone

    competition, _ = league
    until = timezone.now() + timezone.timedelta(minutes=1)
    Ladder.objects.update(fitting_until=until)
    assert not ratings.refit(competition)
    Ladder.objects.update(fitting_until=timezone.now() - timezone.timedelta(seconds=1))
    assert ratings.refit(competition)


def test_recompute_changes_nothing_on_an_untouched_ladder(league) -> None:
    competition, _ = league
    counts = set(PairCount.objects.values_list("first", "second", "wins", "draws", "losses"))
    tables = list(
        Rating.objects.order_by("pk").values_list("matches", "wins", "losses", "first_seats")
    )
    assert ledger.recompute(competition) == ledger.Recount(0.0, 0, 48)
    assert (
        set(PairCount.objects.values_list("first", "second", "wins", "draws", "losses")) == counts
    )
    assert (
        list(Rating.objects.order_by("pk").values_list("matches", "wins", "losses", "first_seats"))
        == tables
    )


def test_recompute_repairs_what_was_tampered_with(league) -> None:
    competition, _ = league
    ratings.refit(competition)
    PairCount.objects.update(wins=99)
    Ladder.objects.update(revision=7)
    found = ledger.recompute(competition)
    assert found.change > 1
    assert found.differences > 1
    assert PairCount.objects.filter(wins=99).count() == 0


def test_episodes_of_a_disqualified_entrant_leave_everybodys_rating(league) -> None:
    competition, field = league
    ratings.refit(competition)
    before = Rating.objects.get(entrant=field[3]).matches
    met = Match.objects.filter(seats__submission=field[3].submission).filter(
        seats__submission=field[4].submission
    )
    submissions.disqualify(field[4].submission, make_staff(), "cheats")
    ledger.rebuild(competition)
    assert Rating.objects.get(entrant=field[3]).matches == before - met.count()
    assert not Entrant.objects.ranked(competition).filter(pk=field[4].pk).exists()


def test_each_episode_is_counted_once_in_log_table_and_fit(league) -> None:
    rows = PairCount.objects.values_list("wins", "draws", "losses")
    assert sum(map(sum, rows)) == 48
    assert sum(Rating.objects.values_list("matches", flat=True)) == 48


def test_crash_share_counts_episodes_of_own_fault() -> None:
    competition = make_competition()
    alice, bob = (make_entrant(competition, make_user(name)) for name in ("alice", "bob"))
    match = send_match(competition, Match.Purpose.RATED, [alice.submission, bob.submission])
    failed = episode_result((None, 1), (FAULT, None))
    matches.record(result_of(match.attempts.get(), failed, episode_result()))
    assert Rating.objects.get(entrant=alice).crash_share == 0.5


def test_a_rating_is_provisional_while_it_is_vague_and_young() -> None:
    competition = make_competition()
    alice, bob = (make_entrant(competition, make_user(name)) for name in ("alice", "bob"))
    play(competition, alice, bob)
    Rating.objects.filter(entrant=bob).update(matches=30)
    ratings.refit(competition)
    assert Rating.objects.get(entrant=alice).is_provisional
    assert not Rating.objects.get(entrant=bob).is_provisional


@pytest.mark.parametrize("is_message_lost", [True, False])
def test_a_rebuild_that_was_asked_for_is_made_once(league, is_message_lost) -> None:
    competition, _ = league
    ratings.refit(competition)
    voided = Match.objects.filter(is_rated=True).first()
    matches.void(voided, make_staff(), "the seed was known")  # the message goes nowhere here
    played = sum(Rating.objects.values_list("matches", flat=True))
    counted = sum(p.wins + p.draws + p.losses for p in PairCount.objects.all())
    if is_message_lost:
        tasks.refit_competitions()
    else:
        tasks.rebuild(competition.pk)
    assert sum(Rating.objects.values_list("matches", flat=True)) == played - 2
    assert sum(p.wins + p.draws + p.losses for p in PairCount.objects.all()) == counted - 2
    assert not tasks.rebuild(competition.pk)


def test_disqualifying_and_reinstating_ask_for_a_rebuild(league) -> None:
    _, field = league
    for verb in (submissions.disqualify, submissions.reinstate):
        verb(field[3].submission, make_staff(), "looked odd")
        assert Ladder.objects.get().is_rebuild_due
        tasks.refit_competitions()
        assert not Ladder.objects.get().is_rebuild_due
