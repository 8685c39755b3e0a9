"""Spread: few steps that stand for a whole run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaggle_bridge.spread import thin, thresholds


@pytest.mark.parametrize(
    ("total", "interval", "expected"),
    [
        (300_000, 50_000, (50_000, 100_000, 150_000, 200_000, 250_000, 300_000)),
        (2_000, 100, tuple(range(200, 2_001, 200))),
        (1_050, 100, (100, 200, 300, 400, 600, 700, 800, 900, 1_000, 1_050)),
        (120_000, 50_000, (50_000, 100_000, 120_000)),
        (999, 1_000, (999,)),
        (1_000, 1_000, (1_000,)),
        (500, 0, (500,)),
    ],
)
def test_thresholds_lie_where_checkpoints_are_saved(total, interval, expected) -> None:
    assert thresholds(total, interval) == expected


@given(st.integers(1, 10**9), st.integers(1, 10**8), st.integers(1, 20))
def test_thresholds_are_few_and_even_and_end_with_the_run(total, interval, most) -> None:
    steps = thresholds(total, interval, most)
    assert 1 <= len(steps) <= most
    assert list(steps) == sorted(set(steps))
    assert steps[-1] == total
    assert all(step % interval == 0 for step in steps[:-1])
    gaps = [after - before for before, after in zip((0, *steps), steps, strict=False)]
    assert max(gaps[:-1], default=0) - min(gaps[:-1], default=0) <= interval


def test_thinning_keeps_the_last_and_drops_what_stands_closest() -> None:
    assert thin([100, 200, 210, 300], 3) == {100, 200, 300}
    assert thin([100, 200, 300, 301], 2) == {200, 301}
    assert thin([5], 1) == {5}
    assert thin([], 3) == set()


@given(st.sets(st.integers(0, 10**6), max_size=40), st.integers(1, 12))
def test_thinning_keeps_as_many_as_may_stay(steps, most) -> None:
    kept = thin(steps, most)
    assert kept <= steps
    assert len(kept) == min(len(steps), most)
    assert not steps or max(steps) in kept


def test_what_comes_one_by_one_stays_spread() -> None:
    kept: set[int] = set()
    for step in range(100, 5_001, 100):
        kept = thin({*kept, step}, 10)
    ordered = sorted(kept)
    gaps = [after - before for before, after in zip([0, *ordered], ordered, strict=False)]
    assert len(kept) == 10
    assert max(gaps) <= 4 * 500
