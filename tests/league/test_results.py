"""Results: data of another trust zone, which nothing behind the schema has to fear."""

import base64
import gzip
from typing import Any

import pytest

from league import matches, results, storage, tasks, validation
from league.models import Episode, Match
from tests.factories import make_competition, make_entrant, make_submission, make_user, send_match
from tests.league.test_matches import encoded, episode_result, result_of

pytestmark = pytest.mark.django_db


def packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content)).decode()


def outcome(**changes: Any) -> results.Outcome:
    return results.parse({"attempt": 1, "token": "t", "episodes": [episode_result() | changes]})


@pytest.fixture
def alice():
    return make_user()


@pytest.fixture
def match(alice) -> Match:
    competition = make_competition()
    seats = [make_entrant(competition, user).submission for user in (alice, make_user("bob"))]
    return send_match(competition, Match.Purpose.RATED, seats)


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 10**12},
        {"steps": 2**70},
        {"seconds": -1.0},
        {"rewards": [1e308, 1e308]},
        {"overage": [0.0, -1e308]},
        {"slowest": [-5.0, 0.0]},
        {"replay": base64.b64encode(b"no gzip").decode()},
        {"replay": ""},
        {"logs": packed(b"no JSON")},
        {"logs": packed(b'{"seats":[[{"seconds":NaN}],[]]}')},
        {"logs": encoded({})},
        {"logs": encoded({"seats": [["x"], []]})},
        {"logs": encoded({"seats": [[{"step": "<b>"}], []]})},
        {"logs": encoded({"seats": [[{"stdout": {"a": 1}}], []]})},
        {"logs": encoded({"seats": [[{"more": 1}], []]})},
    ],
)
def test_what_pages_could_not_show_is_refused(change) -> None:
    with pytest.raises(results.ResultError):
        outcome(**change)


@pytest.mark.parametrize("name", ["replay", "logs"])
def test_what_grows_without_bound_when_unpacked_is_refused(settings, name) -> None:
    settings.REPLAY_MAX_UNPACKED_BYTES = 10_000
    with pytest.raises(results.ResultError, match="too large when unpacked"):
        outcome(**{name: packed(b"0" * 10_001)})


def test_an_attempt_that_no_database_holds_is_refused() -> None:
    with pytest.raises(results.ResultError):
        results.parse({"attempt": 2**63, "token": "t"})


def test_what_no_database_stores_is_replaced(match) -> None:
    verdict = {"code": "exception", "message": "a\0b", "detail": "\ud800"}
    episode = episode_result((None, 1), (verdict, None)) | {"cause": "\0 \udfff"}
    assert matches.record(result_of(match.attempts.get(), episode, episode_result()))
    seat = Episode.objects.get(number=0).seats.first()
    assert (seat.verdict_message, seat.verdict_detail) == ("a\N{REPLACEMENT CHARACTER}b", "?")
    assert seat.episode.cause == "\N{REPLACEMENT CHARACTER} ?"


@pytest.mark.parametrize(
    "damage", [b"", b"rot", gzip.compress(b'{"seats": [')[:-9]], ids=["empty", "rot", "cut"]
)
def test_a_damaged_file_costs_only_itself(client, match, alice, damage) -> None:
    assert matches.record(result_of(match.attempts.get(), episode_result(), episode_result()))
    episode, mine = Episode.objects.get(number=0), match.seats.first().submission
    storage.replay_path(episode.pk).write_bytes(damage)
    storage.logs_path(episode.pk).write_bytes(damage)
    client.force_login(alice)
    for path in (f"/submissions/{mine.pk}/", f"/submissions/{mine.pk}/logs/?episode={episode.pk}"):
        assert client.get(path).status_code == 200
    assert client.get(f"/api/v1/submissions/{mine.pk}/logs").status_code == 200
    assert client.get(f"/api/v1/episodes/{episode.pk}/replay").status_code == 404


@pytest.mark.parametrize("seconds", [float("nan"), -1.0, 1e9])
def test_a_stage_that_took_no_real_time_is_not_noted(alice, seconds) -> None:
    candidate = make_submission(make_competition(), alice, "PENDING")
    validation.begin(candidate.pk)
    attempt = Match.objects.get().attempts.get()
    tasks.record_progress(attempt.pk, attempt.token, "imported", seconds)
    tasks.record_progress(attempt.pk, attempt.token, "unpacked", 0.5)
    candidate.refresh_from_db()
    assert list(candidate.stages) == ["unpacked"]
