"""What is asked every few seconds reads an index, however long the history is."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from league import finals, outbox, status, sweeper
from tests.factories import make_competition, make_house_bots, make_match

pytestmark = pytest.mark.django_db
LONG = "league_(match|attempt|submission|episode|matchseat|episodeseat)"


@pytest.fixture
def competition():
    competition = make_competition()
    seats = [bot.submission for bot in make_house_bots(competition)[:2]]
    for state in ("QUEUED", "DISPATCHED", "DONE"):
        make_match(competition, seats, state)
    return competition


def scans(queries) -> list[str]:
    """The steps of SQLite's plans that read a whole long table."""
    found = []
    with connection.cursor() as cursor:
        for query in queries:
            if query["sql"].startswith(("SELECT", "UPDATE")):
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                found += [row[3] for row in cursor.fetchall()]
    return [step for step in found if re.match(rf"SCAN ({LONG}|[A-Z]\d+)$", step)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite")
@pytest.mark.parametrize(
    "work",
    [
        lambda competition: sweeper.sweep(),
        lambda competition: outbox.fill(),
        lambda competition: sweeper.overdue(timezone.now()),
        lambda competition: status.waiting(),
        lambda competition: status.day(),
        finals.waits_for,
    ],
    ids=["sweep", "fill", "overdue", "waiting", "day", "waits_for"],
)
def test_no_long_table_is_read_whole(competition, work):
    with CaptureQueriesContext(connection) as captured:
        work(competition)
    assert len(captured)
    assert scans(captured.captured_queries) == []
