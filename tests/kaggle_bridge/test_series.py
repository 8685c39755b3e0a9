"""What charts are drawn from: few lines of many, and no evaluation lost among them."""

from itertools import pairwise

import pytest

from kaggle_bridge import series
from tests.kaggle_bridge.rows import add_metrics, make_run


def test_few_items_stay_as_they_are():
    assert series.thin([1, 2, 3], 3) == [1, 2, 3]
    assert series.thin([], 3) == []


def test_many_items_are_spread_and_keep_both_ends():
    found = series.thin(range(1000), 10)
    assert (found[0], found[-1], len(found)) == (0, 999, 10)
    assert {b - a for a, b in pairwise(found)} == {111}


def test_lines_that_close_an_evaluation_are_all_read():
    steps = range(100, 1_000_001, 100)
    found = series.chosen(steps, 20_000)
    assert {step for step in steps if step % 20_000 == 0} <= found
    assert len(found) <= 2 * series.MOST


def test_without_evaluations_lines_are_evenly_read():
    assert len(series.chosen(range(10_000), 0)) == series.MOST


@pytest.mark.django_db
def test_metrics_are_read_with_intervals_and_events():
    run = make_run()
    event = {"kind": "jump", "metric": "loss/value", "step": 20}
    add_metrics(
        run,
        {
            10: {"loss/value": 0.5, "seconds": 1.0, "updates": 3},
            20: {
                "loss/value": 0.25, "arena/elo": 900, "arena/elo_low": 850, "arena/elo_high": 950,
                "events": [event],
            },
        },
    )  # fmt: skip
    found = series.read(run).by_name
    assert set(found) == {"loss/value", "arena/elo"}
    assert found["arena/elo"].points == [(20, 900.0, 850, 950)]
    assert found["loss/value"].newest == 0.25
    assert found["loss/value"].events == [series.Event("jump", 20)]


@pytest.mark.django_db
def test_the_objective_comes_first_then_the_headline_then_losses():
    run = make_run()
    names = ["b/other", "loss/b", "loss/a", "world/x", "arena/elo"]
    add_metrics(run, {1: dict.fromkeys(names, 1.0)})
    facts = {"objective": "arena/elo", "headline": ["world/x", "world/absent"]}
    first, rest = series.split(series.read(run).by_name, facts)
    assert [each.name for each in first] == ["arena/elo", "world/x", "loss/a", "loss/b"]
    assert [each.name for each in rest] == ["b/other"]


@pytest.mark.django_db
def test_a_table_prefers_lines_with_all_numbers():
    run = make_run()
    add_metrics(
        run, {step: {"a": 1.0} | ({"b": 2.0} if step % 5 == 0 else {}) for step in range(50)}
    )
    rows = series.read(run).table(["a", "b"], 4)
    assert [values for _, values in rows] == [[1.0, 2.0]] * 4
    assert (rows[0][0], rows[-1][0]) == (0, 45)
