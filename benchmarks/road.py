"""The whole road: from upload to a verdict, to a rating, and matches a second."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Row
from benchmarks.site import Site

INSTANT = """
def agent(observation, configuration):
    board = observation.board
    return [c for c in range({columns}) if board[c] == 0][0]
# {number}
"""
UPLOADS, MATCH_SECONDS = 7, 20.0


def upload_to_rating(site: Site) -> list[Row]:
    """Uploads one instant agent after the other to a league that has gone quiet."""
    active, rated = [], []
    for number in range(UPLOADS):
        token = site.manage("token", f"bench{number}", "--create")
        started = time.monotonic()
        source = INSTANT.format(columns="configuration.columns", number=number)
        made = site.post("/api/v1/competitions/connectx/submissions", {"source": source}, token)
        path = f"/api/v1/submissions/{made['id']}"
        active.append(_until(site, path, lambda s: s["status"] == "ACTIVE", started))
        rated.append(_until(site, path, lambda s: s["matches"] > 0, started))
    first, last = statistics.median(active), statistics.median(rated)
    return [
        Row("upload of an instant agent to ACTIVE, median", f"{first:.2f} s", "5 s", first < 5),
        Row("upload to first rating, median", f"{last:.2f} s", "15 s", last < 15),
    ]


def _until(site: Site, path: str, check: Callable[[Any], bool], started: float) -> float:
    while time.monotonic() - started < 60:
        submission = site.json(path)
        if check(submission):
            return time.monotonic() - started
        if submission["status"] == "REJECTED":
            raise SystemExit(f"The bench's agent was rejected: {submission['verdict_message']}")
        time.sleep(0.05)
    raise SystemExit("No verdict within a minute; see the log of the evaluation worker.")


def matches_a_second(site: Site) -> list[Row]:
    """The league plays what its own scheduler asks for: boxed agents and house bots, then boxed
    agents alone, whose house bots have been taken off the ladder."""
    site.manage("shell", "-c", _ONLY_STRANGERS)
    time.sleep(3)
    before, started = _rated(site), time.monotonic()
    time.sleep(MATCH_SECONDS)
    speed = (_rated(site) - before) / (time.monotonic() - started)
    return [
        Row(
            "whole road, two boxed instant agents, one evaluation process",
            f"{speed:.2f} matches/s",
            "10 matches/s, better 15",
            speed >= 10,
        )
    ]


_ONLY_STRANGERS = """
from league.models import Competition, Entrant
Entrant.objects.filter(submission__kind="house").update(left="2020-01-01T00:00Z")
Competition.objects.update(max_matches=10**6, settle_se=0)
"""


def _rated(site: Site) -> int:
    return int(site.json("/api/v1/competitions/connectx/matches?state=DONE&limit=1")["count"])
