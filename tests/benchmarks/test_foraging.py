"""Foraging's rows say what was measured, or why it was not; trainers in turn say why they end."""

import pytest

from benchmarks.training import foraging, foraging_peer
from benchmarks.training.foraging import Course
from benchmarks.training.foraging_turns import Failed, Turn, started

OURS = Course(9.0, [Turn(1.0, 100_000), Turn(1.25, 125_000), Turn(9.0, 100_000)])
THEIRS = Course(36.0, [Turn(10.0, 100_000)])


def test_a_rate_is_that_of_the_median_update():
    assert OURS.rate == 100_000


@pytest.mark.parametrize(("their_rate", "holds"), [(10_000, True), (10_001, False)])
def test_training_is_ten_times_as_fast_or_does_not_hold(their_rate, holds):
    row = foraging.speed("guide", OURS, Course(1.0, [Turn(1.0, their_rate)]))
    assert row.holds is holds
    assert row.measured.startswith("10.0 times (100,000 and 10,00")


@pytest.mark.parametrize(("first", "holds"), [(9.0, True), (18.1, False)])
def test_first_metrics_come_in_half_their_time_or_the_row_does_not_hold(first, holds):
    assert foraging.first_metrics(OURS._replace(first=first), THEIRS).holds is holds


def test_without_the_peer_rows_have_our_figures_and_the_reason():
    for row, figure in (
        (foraging.speed("guide", OURS, "why not"), "100,000 agent-steps/s"),
        (foraging.first_metrics(OURS, "why not"), "9.0 s"),
    ):
        assert row.holds is None
        assert figure in row.measured
        assert "why not" in row.measured


@pytest.mark.parametrize(("bare", "holds"), [(102_000, True), (104_000, False), (99_000, True)])
def test_trackers_are_held_to_their_share_of_the_time(bare, holds):
    assert foraging.trackers(OURS, Course(9.0, [Turn(1.0, bare)])).holds is holds


def test_a_checkout_that_nobody_names_is_no_peer(monkeypatch):
    monkeypatch.delenv(foraging_peer.CHECKOUT, raising=False)
    with pytest.raises(foraging_peer.NotThere, match="EMERGENCE_LAB names no checkout"):
        foraging_peer.folder()


def test_a_folder_of_something_else_is_no_peer(monkeypatch, tmp_path):
    monkeypatch.setenv(foraging_peer.CHECKOUT, str(tmp_path))
    with pytest.raises(foraging_peer.NotThere, match="is no checkout of emergence-lab"):
        foraging_peer.folder()


def test_a_trainer_that_ends_gives_its_last_words(monkeypatch, tmp_path):
    monkeypatch.setenv(foraging_peer.CHECKOUT, str(tmp_path))
    with pytest.raises(Failed, match="is no checkout of emergence-lab"), started("theirs"):
        pass
