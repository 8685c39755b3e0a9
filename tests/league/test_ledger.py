"""The ladder's books: each episode once in the log, in the pairs, in the table and in the fit."""

import random
from collections import Counter

import pytest
from django.core.management import call_command
from django.db.models import F

from league import ledger, matches, ratings, submissions
from league.models import (
    Alert,
    AuditEntry,
    Entrant,
    Episode,
    Ladder,
    Match,
    PairCount,
    Rating,
    RatingPoint,
)
from tests.factories import make_competition, make_entrant, make_staff, make_user, send_match
from tests.league.test_matches import FAULT, episode_result, result_of

pytestmark = pytest.mark.django_db
NAMES = ("alice", "bob", "carl", "dora")
ENDS = [(1, -1), (-1, 1), (0, 0), (None, 1), (1, None)]


def play(competition, first, second, *ends) -> Match:
    match = send_match(competition, Match.Purpose.RATED, [first.submission, second.submission])
    episodes = [
        episode_result(end, tuple(FAULT if reward is None else None for reward in end))
        | {"spent": [0.25, 0.5]}
        for end in ends
    ]
    assert matches.record(result_of(match.attempts.get(), *episodes))
    return match


@pytest.fixture
def league():
    """Four entrants, thirty matches of all kinds of results."""
    chance = random.Random(5)
    competition = make_competition()
    field = [make_entrant(competition, make_user(name)) for name in NAMES]
    for _ in range(30):
        play(competition, *chance.sample(field, 2), *chance.choices(ENDS, k=2))
    return competition, field


def table() -> list[tuple]:
    rows = Rating.objects.order_by("entrant").values_list("entrant", *ratings.TALLIES)
    return [tuple(round(value, 6) for value in row) for row in rows]


def pairs() -> set[tuple]:
    return set(PairCount.objects.values_list("first", "second", "wins", "draws", "losses"))


def counted_by_hand() -> Counter:
    """(first, second, result) of each episode, read one by one."""
    found = Counter()
    for episode in Episode.objects.filter(match__is_void=False):
        a, b = episode.seats.order_by("number")
        first, second = (-1e9 if seat.reward is None else seat.reward for seat in (a, b))
        result = "draws" if first == second else "wins" if first > second else "losses"
        found[a.submission.entrant.pk, b.submission.entrant.pk, result] += 1
    return found


def test_what_is_counted_match_by_match_equals_the_log(league):
    competition, _ = league
    before = table(), pairs()
    assert ledger.rebuild(competition) == 0
    assert (table(), pairs()) == before
    by_hand = {
        (row.first_id, row.second_id, result): getattr(row, result)
        for row in PairCount.objects.all()
        for result in ledger.RESULTS
        if getattr(row, result)
    }
    assert counted_by_hand() == by_hand
    assert Ladder.objects.get().episodes == Episode.objects.count() == 60
    assert ledger.check(competition) == []


def test_a_position_of_the_log_cuts_it_in_two(league):
    competition, _ = league
    ladder = Ladder.objects.locked(competition.pk)
    middle = Match.objects.order_by("pk")[14].episodes.order_by("pk").last().pk
    whole, first, rest = ledger.tally(ladder), ledger.tally(ladder, upto=middle), None
    rest = ledger.tally(ladder, after=middle)
    assert (first.episodes, rest.episodes) == (30, 30)
    first.add(rest)
    assert dict(first.pairs) == dict(whole.pairs)
    assert first.position == whole.position == ladder.logged_position


@pytest.mark.parametrize(
    "damage",
    [
        lambda: PairCount.objects.filter(wins__gt=0).update(wins=F("wins") + 1),
        lambda: Rating.objects.update(matches=F("matches") + 1),
        lambda: Rating.objects.update(losses=F("losses") + 1),
        lambda: Ladder.objects.update(episodes=F("episodes") - 2),
    ],
    ids=["a pair twice", "a match twice", "a result twice", "an episode lost"],
)
def test_what_was_counted_twice_is_seen_at_the_next_fit_and_put_right(
    league, damage, django_capture_on_commit_callbacks
):
    competition, _ = league
    ledger.catch_up(competition)
    right = table(), pairs()
    damage()
    with django_capture_on_commit_callbacks(execute=True):
        Ladder.objects.update(revision=F("revision") + 1)
        assert not ledger.catch_up(competition)
    assert Alert.objects.get().code == "counts_differ"
    assert ledger.catch_up(competition), "it has asked for a rebuild"
    assert (table(), pairs()) == right
    assert ledger.check(competition) == []


def test_recompute_prints_no_change_on_an_untouched_ladder(league, capsys):
    competition, _ = league
    call_command("recompute", competition.slug)
    assert float(capsys.readouterr().out) < 1e-6


def test_recompute_holds_while_matches_are_recorded(league, monkeypatch):
    """Another match ends between the look at the ladder and the look at the log."""
    competition, field = league
    tally = ledger.tally

    def tally_late(ladder, after=0, upto=2**63 - 1):
        if not after and upto < 2**63 - 1:
            play(competition, field[0], field[1], (1, -1), (1, -1))
        return tally(ladder, after, upto)

    monkeypatch.setattr(ledger, "tally", tally_late)
    found = ledger.recompute(competition)
    assert (found.change, found.differences) == (0.0, 0)
    assert ledger.check(competition) == []
    assert Ladder.objects.get().episodes == Episode.objects.count()


def test_a_disqualification_amid_a_rebuild_is_not_lost(league, monkeypatch):
    competition, field = league
    tally, seen = ledger.tally, []

    def tally_late(ladder, after=0, upto=2**63 - 1):
        found = tally(ladder, after, upto)
        if not seen:
            seen.append(1)
            submissions.disqualify(field[0].submission, make_staff(), "cheats")
        return found

    monkeypatch.setattr(ledger, "tally", tally_late)
    ledger.rebuild(competition)
    assert not PairCount.objects.filter(first=field[0]).exists()
    assert not PairCount.objects.filter(second=field[0]).exists()


class TestOneAction:
    """Disqualify, void, retire: one action, an audit entry, the ladder rebuilt."""

    def test_void_takes_out_one_match(self, league):
        competition, _ = league
        match = Match.objects.order_by("pk")[3]
        matches.void(match, make_staff(), "the seed was known")
        assert ledger.catch_up(competition)
        assert Ladder.objects.get().episodes == 58
        assert ledger.recompute(competition).differences == 0
        assert AuditEntry.objects.first().action == "void"

    def test_disqualify_and_reinstate_lead_back_to_the_same_ladder(self, league):
        competition, field = league
        ledger.catch_up(competition)
        before = table(), pairs(), list(Rating.objects.order_by("pk").values_list("elo", flat=True))
        submissions.disqualify(field[1].submission, make_staff(), "cheats")
        ledger.catch_up(competition)
        assert field[1].pk not in {row[0] for row in pairs()} | {row[1] for row in pairs()}
        submissions.reinstate(field[1].submission, make_staff(), "did not")
        ledger.catch_up(competition)
        after = table(), pairs(), list(Rating.objects.order_by("pk").values_list("elo", flat=True))
        assert after == before

    def test_a_match_that_ended_while_one_was_disqualified_counts_once_that_is_undone(self, league):
        competition, field = league
        seats = [field[0].submission, field[1].submission]
        match = send_match(competition, Match.Purpose.RATED, seats)
        submissions.disqualify(seats[0], make_staff(), "cheats")
        assert matches.record(result_of(match.attempts.get(), episode_result(), episode_result()))
        ledger.catch_up(competition)
        assert ledger.recompute(competition).differences == 0
        submissions.reinstate(seats[0], make_staff(), "did not")
        ledger.catch_up(competition)
        assert Ladder.objects.get().episodes == 62

    def test_who_had_retired_is_retired_again_when_reinstated(self, league):
        _, field = league
        submissions.retire(field[2].submission, make_staff(), "old")
        submissions.disqualify(field[2].submission, make_staff(), "cheats")
        submissions.reinstate(field[2].submission, make_staff(), "did not")
        field[2].submission.refresh_from_db()
        assert field[2].submission.status == "RETIRED"
        assert not Entrant.objects.playing().filter(pk=field[2].pk).exists()
        assert not Entrant.objects.get(pk=field[2].pk).is_disqualified


def test_a_fit_of_a_ladder_that_was_locked_meanwhile_is_not_published(league):
    competition, _ = league
    taken = ratings.snapshot(Ladder.objects.locked(competition.pk))
    Ladder.objects.update(stage="final")
    points = RatingPoint.objects.count()
    ratings._publish(taken, ratings.fitted(taken))
    assert RatingPoint.objects.count() == points
