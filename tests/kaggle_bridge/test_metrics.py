"""Numbers from kernels: what is none, or of no step of the run, is left out."""

import pytest

from kaggle_bridge import metrics
from tests.kaggle_bridge.rows import make_run

pytestmark = pytest.mark.django_db


def kept(*lines):
    run = make_run()
    metrics.keep(run, lines)
    return {row.step: row.values for row in run.metrics.all()}


def test_numbers_are_kept_and_all_else_is_left_out():
    line = {"step": 5, "loss": 0.5, "count": 3, "nan": float("nan"), "flag": True, "text": "x"}
    assert kept(line) == {5: {"loss": 0.5, "count": 3}}


def test_an_integer_beyond_all_databases_is_left_out():
    assert kept({"step": 5, "loss": 10**400}) == {5: {}}


def test_an_event_of_no_step_of_the_run_is_left_out():
    events = [{"kind": "jump", "metric": "loss", "step": step} for step in (5, 10**400, "5", -1)]
    assert kept({"step": 5, "events": events}) == {5: {"events": events[:1]}}


@pytest.mark.parametrize("step", [-1, 2**62, 10**400, 1.5, True, "7", None])
def test_a_line_of_no_step_of_the_run_is_left_out(step):
    assert kept({"step": step, "loss": 0.5}) == {}


def test_the_same_lines_again_change_nothing_and_missing_ones_are_added():
    run = make_run()
    metrics.keep(run, [{"step": 1, "a": 1}, {"step": 3, "a": 3}])
    assert metrics.keep(run, [{"step": 1, "a": 9}, {"step": 2, "a": 2}]) == 2
    found = list(run.metrics.values_list("step", "values"))
    assert found == [(1, {"a": 1}), (2, {"a": 2}), (3, {"a": 3})]


def test_there_is_an_end_to_the_lines_of_a_run(monkeypatch):
    monkeypatch.setattr(metrics, "MOST_LINES", 3)
    assert list(kept(*({"step": n, "a": 1} for n in range(9)))) == [0, 1, 2]


def test_events_are_kept_as_long_as_they_are_short():
    event = {"kind": "jump", "step": 5}
    assert kept({"step": 5, "events": [event, "no object"]}) == {5: {"events": [event]}}
    assert kept({"step": 5, "events": [{"kind": "x" * 30_000, "step": 5}]}) == {5: {}}


def test_there_is_an_end_to_the_names_of_a_run_and_the_first_go_on(monkeypatch):
    monkeypatch.setattr(metrics, "MOST_SERIES", 2)
    lines = ({"step": n, "loss": n, f"a{n}": n} for n in range(3))
    assert kept(*lines) == {0: {"loss": 0, "a0": 0}, 1: {"loss": 1}, 2: {"loss": 2}}


def test_what_no_chart_can_draw_is_left_out():
    assert kept({"step": 5, "loss": 1e308, "low": -1e308, "fine": 1e99}) == {5: {"fine": 1e99}}
