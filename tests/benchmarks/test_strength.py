"""What a run leaves on its way is found, judged, drawn and exported."""

import json
import xml.etree.ElementTree as ET
from functools import partial

import numpy as np
import pytest

from benchmarks.training import judge
from benchmarks.training.choosers import Chooser
from benchmarks.training.course import Moment, moments, thinned, train
from benchmarks.training.curves import Judged, Shares, chart, mean_of
from benchmarks.training.strength import Goal, exported, short
from benchmarks.training.unbeaten import settled
from training.agent_template.boards.board import Board

BOARD = Board(judge.ROWS, judge.COLUMNS, judge.INAROW, falls=True)


RUN = {
    "total_steps": 1,
    "log_interval": 1,
    "save_interval": 1,
    "selfplay": {"network": {"width": 8, "depth": 1}},
}


@pytest.fixture(scope="module")
def untrained():
    """Random weights of the smallest network, whose opinions are weak."""
    rng = np.random.default_rng(0)
    sizes = {"input": (168, 8), "policy": (8, 7), "value_hidden": (8, 64), "value": (64, 1)}
    tensors = {
        f"{layer}/{name}": rng.normal(0, 0.1, shape).astype(np.float32)
        for layer, size in sizes.items()
        for name, shape in (("kernel", size), ("bias", size[1:]))
    }
    return Chooser(tensors, RUN, BOARD)


def at_once(judged):
    """The positions in which the mover can win at once."""
    played = np.count_nonzero(judged.boards, axis=1)
    return judged.where(np.nanmax(judged.scores, axis=1) == 21 - played // 2)


def test_the_network_alone_chooses_among_columns_that_are_open(untrained):
    judged = judge.positions("tuning")
    columns = untrained.alone(judged.boards)
    assert not np.isnan(judged.scores[np.arange(len(columns)), columns]).any()
    assert len(set(columns)) == 7


@pytest.mark.parametrize("way", ["searched", "exported"])
def test_search_finds_what_wins_at_once(untrained, way):
    judged = at_once(judge.positions("tuning"))
    search = partial(getattr(untrained, way), simulations=64)
    assert judge.optimal(untrained.alone, judged).strictly_optimal < 0.5
    assert judge.optimal(search, judged).strictly_optimal > 0.95


def test_seconds_of_a_run_are_counted_from_its_first_step(tmp_path):
    lines = [
        {"step": 1000, "seconds": 12.0, "steps_per_second": 500.0},
        {"step": 2000, "seconds": 14.5, "steps_per_second": 400.0},
        {"step": 3000, "seconds": 17.0, "steps_per_second": 400.0},
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for step in (1000, 3000):
        (tmp_path / f"step_{step}.safetensors").touch()
    assert moments(tmp_path) == [
        (2.0, 1000, tmp_path / "step_1000.safetensors"),
        (7.0, 3000, tmp_path / "step_3000.safetensors"),
    ]


def test_a_thinned_course_keeps_its_end(tmp_path):
    course = [Moment(float(second), second, tmp_path) for second in range(1, 101)]
    assert [moment.moves for moment in thinned(course, (0.042, 0.044, 0.5))] == [4, 50, 100]


@pytest.mark.parametrize(
    ("lost", "since"),
    [([0, 0], 1.0), ([3, 0, 1, 0, 0], 4.0), ([0, 1], float("inf"))],
)
def test_settled_is_when_no_later_checkpoint_loses(lost, since):
    assert settled([(second, games) for second, games in enumerate(lost, 1)]) == since


def test_the_chart_shows_each_seed_the_means_and_the_yardsticks():
    low = Shares(0.4, 0.6, 0.7)
    ends = [Shares(alone, 0.9, 0.95) for alone in (0.7, 0.8)]
    curves = [[Judged(10, 1, low, low), Judged(20, 2, end, low)] for end in ends]
    svg = ET.fromstring(chart(curves, "seconds"))
    assert len(list(svg.iter("{http://www.w3.org/2000/svg}polyline"))) == 3 * 3 + 2
    words = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"network alone 0.75", "with search 0.90", "random", "negamax depth 4"} <= words


def test_means_are_of_the_same_moment_where_seeds_were_judged_at_others():
    short_one = [(0.0, 0.0), (10.0, 1.0)]
    long_one = [(0.0, 0.0), (5.0, 0.0), (15.0, 1.0)]
    assert mean_of([short_one, long_one]) == [(0.0, 0.0), (10.0, 0.75)]


def test_goals_are_written_as_the_table_has_them():
    assert str(Goal(0.72, 0.78)) == ".720, better .780"
    assert str(Goal(50, 56)) == "50, better 56"
    assert short(1.0) == "1"


@pytest.mark.slow
def test_a_short_run_is_judged_and_exported(tmp_path):
    small = ["device=cpu", "selfplay.network.width=32", "selfplay.search.simulations=4"]
    course = train("connectx-quick", tmp_path, 5, 20_000, small)
    assert [moment.moves for moment in course] == sorted(moment.moves for moment in course)
    assert 0 < course[-1].seconds <= 5
    chooser = Chooser.read(course[-1].checkpoint)
    assert judge.optimal(chooser.alone, judge.positions("tuning")).value_optimal > 0.4
    agent = exported(course[-1].checkpoint, 0.02)
    assert judge.versus(str(agent), "random", 4, seed=0).faults == 0
