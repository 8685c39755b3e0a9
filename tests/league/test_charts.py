"""The small drawings: scales, lines and bars stay inside their frames and mean what they show."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from league import charts
from league.models import Rating, RatingPoint

ELO = st.floats(-3000, 5000)
SE = st.floats(0.1, 400)


def test_a_scale_cuts_off_at_both_ends():
    scale = charts.Scale(1000, 1200, 100)
    assert [scale.at(v) for v in (900, 1000, 1050, 1200, 2000)] == [0, 0, 25, 100, 100]


@given(st.lists(st.tuples(ELO, SE), min_size=1, max_size=20))
def test_every_rating_of_a_page_lies_on_its_scale(rows):
    scale = charts.ladder_scale([Rating(elo=elo, se=se) for elo, se in rows])
    assert all(scale.low <= elo <= scale.high for elo, _ in rows)


def test_an_unknown_rating_does_not_squeeze_the_others():
    known = [Rating(elo=1000.0, se=30.0), Rating(elo=1100.0, se=30.0)]
    scale = charts.ladder_scale([*known, Rating(elo=1000.0, se=400.0)])
    assert scale.high - scale.low < 800


@given(st.lists(st.tuples(ELO, SE), min_size=2, max_size=40))
def test_a_history_stays_inside_its_frame(rows):
    history = [RatingPoint(elo=elo, se=se, matches=i) for i, (elo, se) in enumerate(rows)]
    chart = charts.history_chart(history)
    assert chart is not None
    assert all(0 <= p.x <= 100 and 0 <= p.y <= 100 for p in chart.points)
    assert len(chart.band.split()) == 2 * len(rows)
    values = [value for _, value in chart.ticks]
    assert values == sorted(values, reverse=True)


def test_the_lock_is_drawn_between_the_last_point_before_it_and_the_first_after():
    locked = datetime(2026, 11, 1, tzinfo=UTC)
    history = [
        RatingPoint(elo=1000, se=40, matches=n, created=locked + timedelta(hours=hours))
        for n, hours in enumerate((-3, -2, -1, 1, 2))
    ]
    assert charts.history_chart(history, locked).lock_x == 62.5
    for elsewhere in (None, locked - timedelta(days=1), locked + timedelta(days=1)):
        assert charts.history_chart(history, elsewhere).lock_x is None


@pytest.mark.parametrize("count", [0, 1])
def test_one_point_is_no_history(count):
    assert charts.history_chart([RatingPoint(elo=1, se=1, matches=1)] * count) is None
    assert charts.spark_line([1000.0] * count) == ""


def test_noise_of_a_few_points_looks_flat():
    heights = [float(p.split(",")[1]) for p in charts.spark_line([1000, 1002, 999]).split()]
    assert max(heights) - min(heights) < 2


def test_move_times_draw_the_limit_where_it_is():
    times = charts.move_times([0.1, 0.1, 2.2], limit_s=2.0)
    assert times is not None
    assert (times.count, times.slowest_s) == (3, 2.2)
    assert times.limit_x == pytest.approx(100 * 2.0 / (2.2 * 1.05), abs=0.1)
    assert max(height for _, height in times.bars) == 100
    assert charts.move_times([], 2.0) is None


def test_ties_of_equal_values_have_a_scale():
    assert charts.nice_bounds(1000, 1000, 4)[0] < charts.nice_bounds(1000, 1000, 4)[1]
