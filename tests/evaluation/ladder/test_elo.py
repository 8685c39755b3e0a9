"""The Elo scale against published values, and the quick step against the joint fit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.ladder.elo import POINT, Rating, expected_score, quick_step
from evaluation.ladder.fit import PairCounts, fit

ELOS = st.floats(-5000, 5000)
RATINGS = st.builds(Rating, st.floats(0, 3000), st.floats(1, 350))
SCORES = st.sampled_from([0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("gap", "expected"),
    # Expected scores of the logistic Elo curve, as tabled on Wikipedia's "Elo rating system" and
    # by its definition: 400 points are odds of 10 to 1, 800 points of 100 to 1.
    [(0, 0.5), (100, 0.640), (200, 0.760), (400, 10 / 11), (800, 100 / 101), (-400, 1 / 11)],
)
def test_expected_score_is_the_elo_curve(gap, expected):
    assert expected_score(1000 + gap, 1000) == pytest.approx(expected, abs=5e-4)


@given(ELOS, ELOS, st.floats(-200, 200), st.floats(0, 5))
def test_expected_scores_of_both_sides_add_up_to_one(a, b, seat, draw):
    total = expected_score(a, b, seat, draw) + expected_score(b, a, -seat, draw)
    assert total == pytest.approx(1.0)


def test_expected_score_with_ties_follows_davidson():
    win, tie, loss = math.exp(150 * POINT / 2), 0.5, math.exp(-150 * POINT / 2)
    expected = (win + tie / 2) / (win + tie + loss)
    assert expected_score(1100, 1000, 50, draw=0.5) == pytest.approx(expected)


def test_quick_step_of_two_newcomers_by_hand():
    # information 0.2 (ln 10 / 400)^2 = 6.6274e-6; known = 1 + 6.6274e-6 * 80000 = 1.53019;
    # step = 200^2 * 0.00575646 * 0.5 / 1.53019; variance = 200^2 (1 - 6.6274e-6 * 200^2 / 1.53019)
    a, b = quick_step(Rating(1000, 200), Rating(1000, 200), 1.0)
    assert a.elo == pytest.approx(1075.24, abs=0.01)
    assert b.elo == pytest.approx(924.76, abs=0.01)
    assert a.se == b.se == pytest.approx(181.85, abs=0.01)


def test_the_better_known_side_moves_less():
    newcomer, veteran = quick_step(Rating(1000, 250), Rating(1000, 25), 0.0)
    assert 1000 - newcomer.elo == pytest.approx(100 * (veteran.elo - 1000))
    assert newcomer.se < 250
    assert 24 < veteran.se < 25


def test_a_draw_in_the_worse_seat_gains_points():
    first, second = quick_step(Rating(1000, 100), Rating(1000, 100), 0.5, seat_advantage=60)
    assert first.elo < 1000 < second.elo


@given(RATINGS, RATINGS, SCORES, st.floats(-100, 100), st.floats(0.1, 1))
def test_quick_step_is_fair_and_only_learns(a, b, score, seat, weight):
    new_a, new_b = quick_step(a, b, score, seat, weight)
    mirrored_b, mirrored_a = quick_step(b, a, 1 - score, -seat, weight)
    assert tuple(new_a) == pytest.approx(tuple(mirrored_a))
    assert tuple(new_b) == pytest.approx(tuple(mirrored_b))
    assert 0 < new_a.se <= a.se
    gain, loss = (new_a.elo - a.elo) / a.se**2, (b.elo - new_b.elo) / b.se**2
    assert gain == pytest.approx(loss, abs=1e-9)
    assert (new_a.elo - a.elo) * (score - expected_score(a.elo, b.elo, seat)) >= 0


def test_quick_steps_stay_close_to_the_refit():
    random = np.random.default_rng(5)
    size, truth = 30, random.normal(1000, 200, 30)

    def play(episodes):
        rows = []
        for _ in range(episodes):
            a, b = random.choice(size, 2, replace=False).tolist()
            won = random.random() < expected_score(truth[a], truth[b])
            rows.append((a, b, int(won), 0, int(not won)))
        return rows

    before, news = play(600), play(60)
    counts = PairCounts.from_counts(before)
    stale = fit(counts, range(size))
    quick = dict(stale.ratings)
    for a, b, wins, _, _ in news:
        quick[a], quick[b] = quick_step(
            quick[a], quick[b], wins, stale.seat_advantage.elo, draw=stale.draw
        )
    full = fit(counts + PairCounts.from_counts(news), range(size)).ratings

    def distance(ratings):
        gaps = [ratings[i].elo - full[i].elo for i in range(size)]
        return float(np.std(gaps))

    assert distance(quick) < 0.5 * distance(stale.ratings)
    assert distance(quick) < 10
