"""Pair counts: what a log comes to, whatever its order, its repeats and its number of players."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.ladder.counts import LogRow, PairCounts, count_pairs, episode_rows

LOGS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from("abcd"),
        st.sampled_from("abcd"),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    unique_by=lambda row: row[0],
).map(lambda rows: [(*row, False, 7) for row in rows])


def table(counts):
    return {(first, second): tuple(rest) for first, second, *rest in counts.rows()}


def test_a_log_becomes_wins_draws_and_losses_of_the_first_seat():
    log = [
        (1, "b", "a", 1.0, False, 5),
        (2, "b", "a", 0.5, False, 5),
        (3, "a", "b", 0.0, True, 6),
        (4, "a", "b", 1, False, 6),
        (5, "b", "c", 0, False, 7),
    ]
    counts = count_pairs(log)
    assert counts.entrants == ("a", "b", "c")
    assert table(counts) == {("a", "b"): (1, 0, 1), ("b", "a"): (1, 1, 0), ("b", "c"): (0, 0, 1)}


def test_a_repeated_episode_id_counts_once():
    row = (1, "a", "b", 1.0, False, 5)
    assert table(count_pairs([row, row, (1, "a", "b", 0.0, False, 5)])) == {("a", "b"): (1, 0, 0)}


@given(LOGS, st.randoms())
def test_shuffled_and_repeated_logs_give_the_same_hash(log, random):
    again = log + random.choices(log, k=len(log)) if log else []
    random.shuffle(again)
    assert count_pairs(again).data_hash == count_pairs(log).data_hash


@given(LOGS)
def test_counts_rebuilt_from_their_rows_are_the_same(log):
    counts = count_pairs(log)
    assert PairCounts.from_counts(reversed(list(counts.rows()))).data_hash == counts.data_hash


@given(LOGS, LOGS)
def test_counts_of_two_logs_add_up(one, other):
    other = [(f"other {row[0]}", *row[1:]) for row in other]
    together = count_pairs(one) + count_pairs(other)
    assert together.data_hash == count_pairs(one + other).data_hash


def test_one_more_episode_changes_the_hash():
    log = [(1, "a", "b", 1.0, False, 5)]
    assert count_pairs(log).data_hash != count_pairs([*log, (2, *log[0][1:])]).data_hash
    assert count_pairs(log).data_hash != count_pairs([(1, "a", "c", 1.0, False, 5)]).data_hash


def test_an_episode_against_oneself_is_never_rated():
    counts = count_pairs([(1, "a", "a", 1.0, False, 5), (2, "a", "b", 1.0, False, 5)])
    assert table(counts) == {("a", "b"): (1, 0, 0)}


def test_disqualified_entrants_leave_nothing_behind():
    log = [(1, "a", "b", 1.0, False, 5), (2, "b", "c", 1.0, False, 5), (3, "c", "a", 0.5, False, 5)]
    counts = count_pairs(log)
    clean = count_pairs([log[2]])
    assert counts.among(["a", "c", "z"]).data_hash == clean.data_hash
    assert counts.among("abc") is counts


@pytest.mark.parametrize("weights", [3, 4, 7])
def test_an_episode_of_m_players_weighs_as_much_as_its_players(weights):
    players = list("abcdefg")[:weights]
    rows = episode_rows(9, players, range(weights, 0, -1))
    assert len(rows) == weights * (weights - 1) // 2
    assert sum(row.weight for row in rows) == pytest.approx(weights - 1)
    assert {row.score_of_first for row in rows} == {1.0}
    once, twice = count_pairs(rows), count_pairs(rows * 2)
    assert once.data_hash == twice.data_hash
    assert table(once)["a", "b"] == (2 / weights, 0, 0)


def test_two_players_keep_the_episodes_own_id():
    rows = episode_rows(9, ["a", "b"], [0.5, 0.5], crashed=True, key=3)
    assert rows == [LogRow(9, "a", "b", 0.5, True, 3, 1.0)]


def test_weighted_sums_do_not_depend_on_the_order_of_the_log():
    rows = [
        row
        for number in range(40)
        for players in (["a", "b", "c"], ["b", "a", "d", "c", "e"])
        for row in episode_rows((number, len(players)), players, [2, 1, *range(len(players) - 2)])
    ]
    assert count_pairs(rows).data_hash == count_pairs(rows[::-1]).data_hash


@pytest.mark.parametrize("score", [0.25, 2, -1, float("nan")])
def test_a_score_that_is_none_is_refused(score):
    with pytest.raises(ValueError, match=r"1, 0\.5 or 0"):
        count_pairs([(1, "a", "b", score, False, 5)])


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf")])
def test_counts_that_cannot_be_are_refused(count):
    with pytest.raises(ValueError, match="finite and not negative"):
        PairCounts.from_counts([("a", "b", 1, 0, count)])


def test_an_episode_needs_a_reward_for_each_entrant():
    with pytest.raises(ValueError, match="one reward"):
        episode_rows(1, ["a", "b"], [1])
