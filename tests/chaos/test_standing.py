"""Every state that is not final has a limit, and what stands longer resolves by itself.

The limits are reached by moving the stamps into the past. In the future they lie when the clock of
the machine was set back: that holds nothing up either.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from league.models import IdempotencyRecord, Ladder, Match, Submission
from tests.chaos.league import DATABASE, League, is_fitted
from tests.chaos.names import INSTANT
from tests.chaos.stamps import shift_stamps
from tests.stack import wait_for

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]
ROUNDS, ROUND_S = 15, 6


@pytest.mark.parametrize(
    ("database_url", "hours"),
    [
        ("sqlite", -1),
        ("sqlite", 1),
        ("postgres", 1),
        ("postgres", -1),
    ],
    indirect=["database_url"],
)
def test_nothing_stands_for_ever(empty_league: League, hours: int) -> None:
    league = empty_league
    found = league.populate("tests.chaos.standing", str(hours))
    league.tokens = found["tokens"]
    league.start()
    repeated = wait_for(lambda: repeat_request(league), ROUND_S * ROUNDS, "the repeated request")
    for _ in range(ROUNDS):
        if none_left(lambda: still_standing(league, found)):
            break
        shift_stamps(timedelta(hours=-1), DATABASE)  # what follows, such as a retry, is due too
    assert not still_standing(league, found)
    assert league.rows(Submission).filter(pk=repeated).exists()
    assert league.rows(IdempotencyRecord).get(key="killed").status == 201


def none_left(find: Callable[[], list[str]]) -> bool:
    try:
        wait_for(lambda: not find(), ROUND_S)
    except AssertionError:
        return False
    return True


def still_standing(league: League, found: dict[str, dict[str, int]]) -> list[str]:
    submissions, matches, ladders = found["submissions"], found["matches"], found["ladders"]
    active = {row.pk for row in league.rows(Submission).filter(status="ACTIVE")}
    done = {row.pk for row in league.rows(Match).filter(state="DONE")}
    fitted = {row.pk for row in league.rows(Ladder) if is_fitted(row) and is_locked_if_due(row)}
    ended = ((submissions, active), (matches, done), (ladders, fitted))
    return [name for kind, rows in ended for name, pk in kind.items() if pk not in rows]


def is_locked_if_due(ladder: Ladder) -> bool:
    return ladder.stage == "final" or not ladder.competition.deadline


def repeat_request(league: League) -> int | None:
    try:
        return league.upload("alice", INSTANT.format(place=0), "killed")
    except OSError:
        return None
