"""Who cannot be told apart: by the difference's own error, as a fit has it."""

import itertools

import pytest

from evaluation.ladder import fit
from league import ratings, ties
from tests.factories import make_competition, make_entrant, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ladder():
    """Five entrants after a fit; the first two have played each other only."""
    competition = make_competition()
    entrants = [make_entrant(competition, make_user(f"team-{n}"), rank=n + 1) for n in range(5)]
    keys = [entrant.pk for entrant in entrants]
    counts = [(keys[0], keys[1], 160, 0, 90), (keys[1], keys[0], 95, 0, 155)]
    counts += [(a, b, 9, 0, 5 + a % 3) for a, b in itertools.permutations(keys[2:], 2)]
    found = fit.fit(fit.PairCounts.from_counts(counts), keys)
    for entrant in entrants:
        row = entrant.rating
        row.elo, row.se = found.ratings[entrant.pk]
        row.rank = found.rank_intervals[entrant.pk][0]
        row.save()
    return competition, entrants, found


def told_apart(found, a, b):
    elo, se = found.difference(a.pk, b.pk)
    return abs(elo) >= 1.96 * se


def test_ranks_are_level_where_the_fit_says_so(ladder):
    competition, entrants, found = ladder
    ratings._keep_covariance(competition.pk, found)
    field = ties.field_of(competition.pk)
    by_rank = {entrant.rating.rank: entrant for entrant in entrants}
    assert len(by_rank) == len(entrants) == field.size
    for entrant in entrants:
        expected = [
            rank
            for rank, other in by_rank.items()
            if other == entrant or not told_apart(found, entrant, other)
        ]
        assert field.level(entrant.pk) == ties.runs(expected)
    assert told_apart(found, entrants[0], entrants[1])


def test_without_a_covariance_the_errors_count_as_independent(ladder):
    """The two that met each other alone are uncertain together: told apart only with it."""
    competition, entrants, _ = ladder
    field = ties.field_of(competition.pk)
    assert field.covariance is None
    ranks = sorted(entrant.rating.rank for entrant in entrants[:2])
    assert any(low <= ranks[0] and ranks[1] <= high for low, high in field.level(entrants[0].pk))


def test_who_is_not_ranked_yet_is_level_with_nobody():
    competition = make_competition()
    newcomer = make_entrant(competition, make_user("alice"), rank=None)
    field = ties.field_of(competition.pk)
    assert field.level(newcomer.pk) == []
    assert field.size == 1


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], ""),
        ([3], "3"),
        ([4, 2, 3, 7], "2–4, 7"),
        ([1, 3, 4, 9], "1, 3–4, 9"),
        ([1, 3, 5, 7], "1, 3, 5 …"),
    ],
)
def test_runs_are_written_as_spans(numbers, text):
    assert ties.run_words(ties.runs(numbers)) == text


def test_before_the_first_match_all_are_level_with_all():
    competition = make_competition()
    field = [make_entrant(competition, make_user(f"team-{n}"), rank=1) for n in range(3)]
    assert ties.field_of(competition.pk).level(field[1].pk) == [(1, 3)]
