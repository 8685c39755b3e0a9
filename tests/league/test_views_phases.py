"""What pages say of a competition's life: countdown, what the lock waits for, field, final."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from league import finals, ratings
from league.models import Ladder, Match
from league.words import precise_span
from tests.factories import make_competition, make_entrant, make_match, make_submission, make_user

pytestmark = pytest.mark.django_db
PAGES = ("/", "/competitions/connectx/", "/competitions/connectx/leaderboard/")


def competition_with(opens=-1, deadline=None, closes=None):
    """Hours from now."""
    now = timezone.now()
    moments = {"opens_at": opens, "deadline": deadline, "closes_at": closes}
    dates = {
        name: now + timedelta(hours=hours) for name, hours in moments.items() if hours is not None
    }
    return make_competition(**dates)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"), (9, "9 s"), (250, "4 min 10 s"), (240, "4 min"), (11520, "3 h 12 min"),
        (86400, "1 day"), (187200, "2 days 4 h"), (40 * 86400 + 59, "40 days"),
    ],
)  # fmt: skip
def test_a_countdown_has_two_units(seconds, text):
    assert precise_span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ({"opens": 30.01}, "opens <time"),
        ({"deadline": 30.01}, "open, deadline <time"),
        ({"deadline": -1, "closes": 30.01}, "final evaluation, ends <time"),
    ],
)
def test_a_phase_counts_down_to_its_end(client, dates, words):
    competition_with(**dates)
    page = client.get("/competitions/connectx/").text
    phase = page.partition(words)[2].partition("</time>")[0]
    assert 'data-form="countdown"' in phase
    assert phase.endswith(">in 1 day 6 h")


def test_a_closed_competition_counts_down_to_nothing(client):
    competition_with(opens=-3, deadline=-2, closes=-1)
    assert 'data-form="countdown"' not in client.get("/competitions/connectx/").text
    assert "Final ranking." in client.get("/competitions/connectx/leaderboard/").text


@pytest.mark.parametrize("path", PAGES)
def test_after_the_deadline_a_page_says_what_the_lock_waits_for(client, path):
    competition = competition_with(deadline=-1)
    entrants = [make_entrant(competition, make_user(name)) for name in ("alice", "bob")]
    assert "as soon as the last ratings have been computed" in words_of(client, path)
    make_match(competition, [e.submission for e in entrants], Match.State.DISPATCHED)
    make_submission(competition, make_user("dora"), "VALIDATING")
    Ladder.objects.update(fitted_position=1)  # the leaderboard is drawn anew
    sentence = "as soon as 1 validation and 1 match of before it have ended"
    assert sentence in words_of(client, path)


@pytest.mark.parametrize("path", PAGES)
def test_the_final_names_its_field(client, path):
    competition = competition_with(deadline=-1)
    for name in ("alice", "bob"):
        make_entrant(competition, make_user(name))
    ratings.refit(competition)
    assert finals.lock(competition)
    digest = Ladder.objects.get().field_hash
    words = words_of(client, path)
    assert "Final evaluation: only its own games count." in words
    assert f"Field of 2 entrants, hash {digest[:12]}…, locked now." in words


def test_a_final_that_is_over_is_the_ranking(client):
    competition = competition_with(deadline=-1)
    make_entrant(competition, make_user("alice"))
    ratings.refit(competition)
    assert finals.lock(competition)
    competition.closes_at = timezone.now()
    competition.save()
    for path in PAGES[1:]:
        words = words_of(client, path)
        assert "Final ranking, from the games of the final evaluation alone." in words


def words_of(client, path) -> str:
    """What a reader sees of the page, in one line."""
    text = re.sub(r"<[^>]+>", "", client.get(path).text)
    return " ".join(text.split())
