"""Where things stand on the drawings of training."""

import pytest

from kaggle_bridge import charts
from kaggle_bridge.series import Event, Point, Series
from league.models import Rating
from tests.factories import make_competition, make_house_bots
from tests.kaggle_bridge.rows import add_checkpoint, add_session, make_run


def points_of(text):
    return [tuple(map(float, pair.split(","))) for pair in text.split()]


def series_of(*values, **fields):
    points = [Point(10 * i, value, None, None) for i, value in enumerate(values)]
    return Series("loss", points, **fields)


def test_a_line_fills_its_axes_and_ends_where_the_run_is():
    chart = charts.line_chart(series_of(1.0, 0.5, 0.0), 40)
    assert points_of(chart.line) == [(0, 0), (25, 50), (50, 100)]
    assert [tick.label for tick in chart.ticks] == ["1.0", "0.5", "0"]
    assert chart.end == (50, 100)


def test_an_interval_is_a_band_around_its_line():
    points = [Point(0, 5.0, 0.0, 10.0), Point(10, 5.0, None, None), Point(20, 5.0, 0.0, 10.0)]
    chart = charts.line_chart(Series("arena", points), 20)
    assert points_of(chart.band) == [(0, 0), (100, 0), (100, 100), (0, 100)]


@pytest.mark.parametrize("value", [0.0, 0.9, -1e-9, 3e12, 1000.0])
def test_a_constant_lies_between_two_different_ticks(value):
    chart = charts.line_chart(series_of(value, value), 10)
    labels = [tick.label for tick in chart.ticks]
    assert len(labels) == len(set(labels))
    assert all(0 < y < 100 for _, y in points_of(chart.line))


def test_events_stand_at_their_step():
    chart = charts.line_chart(series_of(1.0, 2.0, events=[Event("jump", 30)]), 40)
    assert chart.marks == [charts.Mark(75.0, "jump")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.123456, "0.123"), (-2.5, "−2.5"), (1234.5, "1234"), (1_500_000, "1.5 M"),
        (-250_000, "−250 k"), (3e-5, "3e−05"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits_that_count(value, text):
    assert charts.number(value) == text


@pytest.mark.parametrize(
    ("value", "gap", "text"),
    [
        (0.25, 0.25, "0.25"), (1, 0.5, "1.0"), (500, 250, "500"), (-0.1, 0.1, "−0.1"),
        (1e-17, 0.1, "0"), (1_250_000, 250_000, "1.25 M"), (2.5e-7, 5e-8, "2.5e−07"),
    ],
)  # fmt: skip
def test_ticks_have_the_decimals_that_tell_them_apart(value, gap, text):
    assert charts.tick_label(value, gap) == text


@pytest.mark.django_db
def test_a_bar_has_checkpoints_and_the_ends_of_sessions():
    run = make_run(step=150, total_steps=300)
    add_session(run, "TIMED_OUT")
    add_session(run, resume=add_checkpoint(run, 75))
    bar = charts.bar(run, [75, 150], run.sessions.select_related("resume"))
    assert bar == charts.Bar(done=500.0, ticks=[250.0, 500.0], boundaries=[250.0])


@pytest.fixture
def rated():
    """An entrant of step 100 at 1000 ± 50, and one of step 200 of which little is known."""
    run = make_run(total_steps=400)
    return [
        (add_checkpoint(run, 100), Rating(elo=1000, se=50 / 1.96, is_provisional=False)),
        (add_checkpoint(run, 200), Rating(elo=1100, se=300)),
    ]


@pytest.mark.django_db
def test_the_curve_goes_through_the_entrants(rated):
    curve = charts.curve(rated, [], 400)
    assert [dot.x for dot in curve.dots] == [25, 50]
    assert points_of(curve.line) == [(dot.x, dot.y) for dot in curve.dots]
    assert curve.dots[1].y < curve.dots[0].y


@pytest.mark.django_db
def test_an_interval_that_says_unknown_does_not_squeeze_the_curve(rated):
    values = [int(tick.label.replace("−", "-")) for tick in charts.curve(rated, [], 400).ticks]
    assert max(values) <= 1400
    assert min(values) >= 800


@pytest.mark.django_db
def test_house_bots_near_by_are_lines_and_distant_ones_are_not(rated):
    random, tactical, negamax = make_house_bots(make_competition())
    for bot, elo in ((random, 200.0), (tactical, 1000.0), (negamax, 1240.0)):
        bot.rating.elo = elo
    curve = charts.curve(rated, [random, tactical, negamax], 400)
    assert [anchor.label for anchor in curve.anchors] == ["negamax", "tactical"]


def test_labels_that_would_overlap_are_left_out():
    ticks = [charts.Tick(50, "a"), charts.Tick(52, "b"), charts.Tick(90, "c")]
    assert [tick.label for tick in charts._apart(ticks)] == ["a", "c"]


def test_before_the_first_match_there_is_no_curve():
    assert charts.curve([], [], 400) is None
