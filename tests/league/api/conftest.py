"""Who calls: anyone without a token, alice and bob with one. What there is: one match, played."""

import pytest

from league.models import Competition, Episode
from tests.factories import make_competition, make_match, make_submission, make_user
from tests.league.api.calls import Caller, make_episode


@pytest.fixture
def anyone(db) -> Caller:
    return Caller()


@pytest.fixture
def alice(db) -> Caller:
    return Caller("alice")


@pytest.fixture
def bob(db) -> Caller:
    return Caller("bob")


@pytest.fixture
def connectx(db) -> Competition:
    return make_competition("connectx")


@pytest.fixture
def episode(connectx) -> Episode:
    """A finished match of alice (seat 0) against bob (seat 1)."""
    seats = [make_submission(connectx, make_user(name)) for name in ("alice", "bob")]
    return make_episode(make_match(connectx, seats, state="DONE"))
