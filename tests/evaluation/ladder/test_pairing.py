"""The rules of the scheduler in fields of every size, and whom it serves first."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.ladder.elo import Rating, expected_score
from evaluation.ladder.fit import PairCounts, fit
from evaluation.ladder.pairing import (
    Candidate,
    boundary_weights,
    choose_matches,
    choose_pairs,
    is_settled,
    matches_to_settle,
)


@st.composite
def fields(draw):
    size = draw(st.integers(0, 9))
    return [
        Candidate(
            entrant=place,
            team=draw(st.integers(0, 4)),
            elo=draw(st.floats(0, 3000)),
            se=draw(st.floats(5, 350)),
            matches=draw(st.integers(0, 30)),
            first_seats=draw(st.integers(0, 15)),
            wants=draw(st.booleans()),
        )
        for place in range(size)
    ]


ENTRANTS = st.integers(0, 12)  # some of them are not in the field
PAIRS = st.tuples(ENTRANTS, ENTRANTS).filter(lambda pair: pair[0] != pair[1])


def choose(candidates, n, *, covariance=None, met=None, in_flight=(), seed=1, **options):
    chance = random.Random(seed)
    return choose_pairs(
        candidates, covariance, n, met=met or {}, in_flight=in_flight, rng=chance, **options
    )


def field(size, *, se=60.0, spacing=10.0, wants=True, matches=20):
    return [
        Candidate(place, f"team {place}", 1000 + spacing * place, se, matches, matches // 2, wants)
        for place in range(size)
    ]


def check_rules(candidates, pairs):
    by_entrant = {candidate.entrant: candidate for candidate in candidates}
    for first, second, key in pairs:
        a, b = by_entrant[first], by_entrant[second]
        assert first != second
        assert a.team != b.team
        assert a.wants or b.wants
        assert 0 <= key < 2**31


# Rules


@given(
    fields(),
    st.integers(0, 30),
    st.dictionaries(PAIRS, st.integers(1, 9)),
    st.lists(PAIRS, max_size=6),
    st.integers(1, 12),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_every_pair_keeps_the_rules(candidates, n, met, in_flight, cut, paired):
    options = {"met": met, "in_flight": in_flight, "cut": cut, "paired_seats": paired}
    pairs = choose(candidates, n, **options)
    check_rules(candidates, pairs)
    possible = any(
        a.team != b.team and (a.wants or b.wants) for a in candidates for b in candidates
    )
    assert len(pairs) == (n if possible else 0)
    assert pairs == choose(candidates, n, **options), "the same rng chooses the same pairs"


@pytest.mark.parametrize("size", [499, 500, 2000, 2001])
def test_large_fields_keep_the_rules(size):
    chance = random.Random(size)
    candidates = [
        Candidate(place, place // 3, chance.gauss(1000, 250), chance.uniform(20, 300), 40, 20, w)
        for place, w in enumerate(chance.choices([True, False], k=size))
    ]
    met = {tuple(chance.sample(range(size), 2)): 3 for _ in range(200)}
    in_flight = [tuple(chance.sample(range(size), 2)) for _ in range(5)]
    pairs = choose(candidates, 12, met=met, in_flight=in_flight)
    assert len(pairs) == 12
    check_rules(candidates, pairs)


@pytest.mark.parametrize("size", [10, 600, 2100])
def test_a_settled_field_costs_nothing(size):
    assert choose(field(size, wants=False), 5) == []


@pytest.mark.parametrize("size", [10, 600, 2100])
def test_one_team_alone_has_nobody_to_play(size):
    alone = [Candidate(place, "one", 1000, 100) for place in range(size)]
    assert choose(alone, 5) == []


@pytest.mark.parametrize("size", [10, 600, 2100])
def test_a_newcomer_reopens_a_settled_field(size):
    settled = field(size, wants=False, se=45)
    pairs = choose([*settled, Candidate("new", "new team", 1000, 300)], 10)
    assert len(pairs) == 10
    assert all("new" in pair for pair in pairs)
    assert len({*(pair[0] for pair in pairs), *(pair[1] for pair in pairs)}) > 5


def test_an_entrant_twice_in_the_field_is_refused():
    with pytest.raises(ValueError, match="twice"):
        choose([*field(3), field(1)[0]], 1)


def test_a_covariance_of_another_field_is_refused():
    with pytest.raises(ValueError, match="covariance"):
        choose(field(3), 1, covariance=np.eye(2))


# Whom it serves


def test_an_instant_newcomer_gets_its_first_matches_at_once():
    newcomer = Candidate("new", "new team", 1000, 300)
    pairs = choose([*field(30, matches=60, se=55), newcomer], 14)
    assert sum("new" in pair for pair in pairs) >= 9  # far pairs among them


def test_matches_in_flight_count_as_played():
    newcomers = [Candidate("x", "x", 1145, 300), Candidate("y", "y", 1145, 300)]
    candidates = [*field(30, matches=60), *newcomers]
    served = Counter()
    for seed in range(20):
        in_flight = [("x", place) for place in range(10, 20)]
        pairs = choose(candidates, 4, in_flight=in_flight, seed=seed)
        served.update(entrant for pair in pairs for entrant in pair[:2])
    assert served["y"] > 70
    assert served["x"] < 30


def test_two_that_met_often_meet_others_first():
    candidates = field(3, spacing=0)
    for key in ((0, 1), (1, 0)):
        chosen = [choose(candidates, 1, met={key: 40}, seed=seed)[0] for seed in range(30)]
        together = sum({first, second} == {0, 1} for first, second, _ in chosen)
        assert together <= 2


@pytest.mark.parametrize(
    ("size", "near", "far"), [(100, 120, 250), (350, 120, 250), (2100, 250, 700)]
)
def test_one_pair_in_ten_ignores_closeness(size, near, far):
    candidates = field(size, se=40, spacing=3000 / size)
    elo = {candidate.entrant: candidate.elo for candidate in candidates}
    gaps = [abs(elo[first] - elo[second]) for first, second, _ in choose(candidates, 600)]
    assert np.mean([gap > near for gap in gaps]) < 0.25
    assert 0.02 < np.mean([gap > far for gap in gaps]) < 0.12


def test_the_cut_draws_matches_to_it():
    def share_at_cut(weight):
        pairs = choose(field(60, se=50, spacing=12), 300, cut=10, cut_weight=weight)
        return np.mean([min(first, second) >= 40 for first, second, _ in pairs])

    assert share_at_cut(6.0) >= share_at_cut(3.0) > share_at_cut(1.0) > share_at_cut(0.0) + 0.2


def test_correlated_errors_are_not_asked_about_again():
    # 0 and 1 are known against each other, 2 and 3 are not; their own errors are the same
    covariance = np.full((4, 4), 0.0) + np.diag([3600.0] * 4)
    covariance[0, 1] = covariance[1, 0] = 3500
    chosen = [choose(field(4, spacing=0), 1, covariance=covariance, seed=s)[0] for s in range(30)]
    assert all({first, second} != {0, 1} for first, second, _ in chosen)


def test_newer_errors_of_the_candidates_rule_over_the_covariance():
    known = [Candidate("known", "a", 1000, 40), *field(6, se=120, spacing=0)]
    stale = np.diag([300.0**2] + [120.0**2] * 6)
    pairs = choose(known, 4, covariance=stale)
    assert sum("known" in pair for pair in pairs) <= 1  # a far pair may be any


@given(fields(), st.integers(0, 40), st.booleans(), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_over_a_run_everybody_sits_first_as_often_as_second_or_once_more_or_less(
    candidates, n, paired, seed
):
    fresh = [replace(each, matches=0, first_seats=0) for each in candidates]
    surplus = Counter()
    for first, second, _ in choose(fresh, n, paired_seats=paired, seed=seed):
        surplus.update({first: 1, second: -1})
    assert all(abs(more) <= 1 for more in surplus.values())


def test_a_run_makes_up_for_the_seats_of_earlier_ones():
    ahead = [replace(each, first_seats=each.matches) for each in field(6, spacing=0)[:3]]
    candidates = [*ahead, *(replace(each, first_seats=0) for each in field(6, spacing=0)[3:])]
    surplus = Counter({place: 20 if place < 3 else -20 for place in range(6)})
    for first, second, _ in choose(candidates, 150, paired_seats=False):
        surplus.update({first: 1, second: -1})
    assert all(abs(more) <= 3 for more in surplus.values())


def test_the_first_seat_goes_to_who_had_fewer_of_them():
    a = Candidate("a", "a", 1000, 100, matches=10, first_seats=6)
    b = Candidate("b", "b", 1000, 100, matches=10, first_seats=4)
    assert [pair[:2] for pair in choose([a, b], 1)] == [("b", "a")]
    assert [pair[:2] for pair in choose([a, b], 1, in_flight=[("b", "a")] * 3)] == [("a", "b")]


def test_keys_differ_from_match_to_match():
    keys = {key for _, _, key in choose(field(10), 100)}
    assert len(keys) == 100


# When it stops


def test_boundary_weight_is_high_only_around_the_cut():
    ratings = [Rating(2000 - 100 * place, 50) for place in range(20)]
    weights = boundary_weights(ratings, 10)
    assert weights[9] == pytest.approx(weights[10])
    assert weights[9] > 0.7
    assert weights[0] < 1e-9 > weights[19]
    assert boundary_weights(ratings, 20) == [0.0] * 20
    assert boundary_weights([Rating(1000, 0), Rating(900, 0)], 1) == [0, 0]


@pytest.mark.parametrize(
    ("se", "matches", "boundary", "settled"),
    [(51, 10, 0, False), (50, 10, 0, True), (50, 10, 0.6, False), (30, 10, 0.6, True),
     (99, 399, 0, False), (99, 400, 0, True)],
)  # fmt: skip
def test_settled_by_error_by_boundary_and_by_matches(se, matches, boundary, settled):
    assert is_settled(Rating(1000, se), matches, boundary=boundary) is settled


@given(st.floats(1, 350), st.integers(0, 500), st.floats(0, 1))
def test_the_estimate_is_nought_exactly_when_settled(se, matches, boundary):
    rating = Rating(1000, se)
    estimate = matches_to_settle(rating, matches, boundary=boundary)
    assert (estimate == 0) == is_settled(rating, matches, boundary=boundary)
    assert estimate <= max(0, 400 - matches)
    assert estimate <= matches_to_settle(Rating(1000, se + 1), matches, boundary=boundary)


def test_the_estimate_agrees_with_the_measured_leagues():
    # episodes per agent at which the mean error of simulated leagues reached the limit
    for limit, episodes in ((67, 40), (50, 78), (41, 120)):
        matches = matches_to_settle(Rating(1000, 250), 0, se_limit=limit)
        assert matches * 2 == pytest.approx(episodes, rel=0.2)


# What it says, what it costs, who must not wait


def reasons(candidates, n=40, **options):
    chance = random.Random(1)
    options = {"met": {}, "in_flight": [], "rng": chance} | options
    return choose_matches(candidates, None, n, **options)


def test_pairs_are_the_matches_without_their_reasons():
    candidates = field(20, se=120)
    assert choose(candidates, 9) == [planned[:3] for planned in reasons(candidates, 9)]


@pytest.mark.parametrize("size", [60, 350, 2100])
def test_one_match_in_ten_is_drawn_from_everybody_and_says_so(size):
    far = [planned.why == "far" for planned in reasons(field(size, se=60), 800)]
    assert np.mean(far) == pytest.approx(0.1, abs=0.03)  # 3 standard errors


def test_a_match_says_what_it_was_chosen_for():
    known = {planned.why for planned in reasons(field(40, se=45), cut_weight=0.0)}
    assert known == {"near", "far"}
    assert {planned.why for planned in reasons(field(40, se=45))} == {"near", "cut", "far"}
    assert {planned.why for planned in reasons(field(40, se=200))} == {"new", "far"}
    settled = field(40, se=45, wants=False)
    newcomer = Candidate("new", "new", 1200, 250)
    assert {planned.why for planned in reasons([*settled, newcomer])} == {"reopened", "far"}


@pytest.mark.parametrize("size", [12, 40])
def test_a_slow_entrant_takes_no_more_of_the_workers_time_than_the_others(size):
    candidates = [replace(each, matches=0) for each in field(size, se=150)]
    cost = {each.entrant: 1.0 for each in candidates} | {5: 20.0}
    slow = [replace(each, cost=cost[each.entrant]) for each in candidates]
    spent = Counter()
    for first, second, _ in choose(slow, 20 * size):
        took = cost[first] + cost[second]
        spent.update({first: took, second: took})
    others = [seconds for entrant, seconds in spent.items() if entrant != 5]
    assert 0.5 * np.mean(others) < spent[5] < 1.5 * np.mean(others)
    assert min(others) > 0.2 * np.mean(others)


def test_a_cost_must_be_above_nothing():
    with pytest.raises(ValueError, match="cost"):
        choose([*field(3), Candidate("x", "x", 1000, 50, cost=0.0)], 1)


def league(gaps, rounds, batch=5):
    """Matches of each entrant when every batch is played and rated before the next is chosen."""
    chance, size = np.random.default_rng(4), len(gaps)
    played, met, rows = Counter(), Counter(), []
    for number in range(rounds):
        found = fit(PairCounts.from_counts(rows), range(size))
        candidates = [
            Candidate(entrant, entrant, *found.ratings[entrant], played[entrant])
            for entrant in range(size)
        ]
        options = {"covariance": found.covariance, "met": met, "seed": number}
        for first, second, _ in choose(candidates, batch, **options):
            played.update([first, second])
            met[min(first, second), max(first, second)] += 1
            for a, b in ((first, second), (second, first)):
                won = chance.random() < expected_score(gaps[a], gaps[b])
                rows.append((a, b, int(won), 0, int(not won)))
    return played, met


def test_an_entrant_that_always_loses_keeps_pace():
    played, _ = league([0] * 11 + [-3000], rounds=60)
    assert played[11] > 0.5 * np.mean(list(played.values()))


def test_near_duplicates_between_far_tiers_do_not_play_each_other_all_the_time():
    played, met = league([0, 5, 900, 905, 1800, 1805, -900, -905], rounds=60)
    assert min(played.values()) > 0.5 * max(played.values())
    assert max(met.values()) < 0.8 * max(played.values())
    assert len(met) > 20, "of 28 pairs"


@given(st.integers(2, 9), st.integers(1, 60))
@settings(max_examples=30, deadline=None)
def test_no_pair_repeats_while_others_of_its_kind_have_not_met(size, n):
    met = Counter(frozenset(pair[:2]) for pair in choose(field(size, spacing=0, se=200), n))
    pairs = size * (size - 1) / 2
    assert max(met.values()) <= np.ceil(n / pairs) + 2


# It stops, and it opens again


def test_a_settled_league_costs_nothing_until_a_newcomer_comes_close_by():
    def wants(ratings, cut):
        boundary = boundary_weights(ratings, cut)
        return [
            not is_settled(rating, 200, boundary=weight)
            for rating, weight in zip(ratings, boundary, strict=True)
        ]

    ratings = [Rating(2000 - 150 * place, 40) for place in range(12)]
    assert not any(wants(ratings, 3))
    newcomer = Rating(1630, 250)
    again = wants([*ratings, newcomer], 3)
    assert again[-1]
    candidates = [
        Candidate(place, place, *rating, 200, 200, want)
        for place, (rating, want) in enumerate(zip([*ratings, newcomer], again, strict=True))
    ]
    planned = reasons(candidates, 10)
    assert len(planned) == 10
    assert all(12 in match[:2] or match.why == "far" for match in planned)
    opponents = [each for match in planned for each in match[:2] if each != 12]
    assert {2, 3} & set(opponents), "the cut, which the newcomer opens again"
