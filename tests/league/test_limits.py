"""What agents play under: told everywhere alike, sent to the worker, kept with each episode."""

import base64
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError

from evaluation import replay
from league import limits, matches, outbox
from league.models import Episode, Match
from league.results import ResultError
from tests.factories import make_competition, make_entrant, make_rated_match, make_user, send_match
from tests.league.test_matches import episode_result, result_of

pytestmark = pytest.mark.django_db
CLOCKS = {"actTimeout": 3, "remainingOverageTime": 17, "runTimeout": 900}
CHOSEN = {
    "configuration": CLOCKS, "clock": "wall", "pondering": True, "startup_s": 45.0,
    "memory_mb": 3000, "packages": "scientific",
}  # fmt: skip
TOLD = {
    "startup_s": 45.0, "move_s": 3.0, "bank_s": 17.0, "episode_s": 900.0, "memory_mb": 3000,
    "clock": "wall", "pondering": True, "packages": "scientific",
}  # fmt: skip
SHOWN = (
    "45&nbsp;s", "3&nbsp;s", "17&nbsp;s", "900&nbsp;s", "3000&nbsp;MB", "wall time",
    "every second until it has answered", "may go on thinking", "Python, NumPy, SciPy",
)  # fmt: skip


@pytest.fixture
def chosen():
    return make_competition(**CHOSEN)


@pytest.fixture
def match(chosen) -> Match:
    seats = [make_entrant(chosen, make_user(name)).submission for name in ("alice", "bob")]
    return send_match(chosen, Match.Purpose.RATED, seats)


def test_without_a_choice_an_agent_pays_for_its_own_time_and_does_not_ponder(client):
    competition = make_competition()
    found = limits.of_competition(competition)
    assert (found.clock, found.pondering, found.packages) == ("charged", False, "numpy")
    assert found.bank_s == 60.0  # connectx has it in its observation, and nobody set another
    page = client.get("/competitions/connectx/").text
    assert "not for the machine&#x27;s load" in page
    assert "An agent is stopped while its opponent thinks." in page


def test_a_package_set_that_needs_more_gets_more():
    competition = make_competition(packages="scientific", memory_mb=256, startup_s=1.0)
    found = limits.of_competition(competition)
    assert found.memory_mb > 1024
    assert found.startup_s > 10


def test_an_unknown_package_set_is_refused_by_name():
    with pytest.raises(ValidationError, match="no package set 'torch'; there are numpy, scien"):
        make_competition(packages="torch")


def test_a_package_set_that_is_written_wrongly_is_refused_with_what_is_wrong(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "own.toml").write_text('requirements = ["six>1"]')
    with pytest.raises(ValidationError, match=r"no package set 'own'.*'six>1', which is not of"):
        make_competition(packages="own")


@pytest.mark.parametrize("path", ["/competitions/connectx/", "/competitions/connectx/submit/"])
def test_the_competition_tells_each_limit(client, chosen, path):
    client.force_login(make_user())
    page = client.get(path).text
    pieces = SHOWN if path.endswith("connectx/") else ("3000 MB", "45 s to start", "move has 3 s")
    assert [piece for piece in pieces if piece not in page] == []


def test_the_api_tells_each_limit(client, chosen):
    told = client.get("/api/v1/competitions/connectx").json()["limits"]
    assert {name: told[name] for name in TOLD} == TOLD


def test_a_worker_is_sent_clock_pondering_and_packages(match):
    spec = outbox._spec(match, match.attempts.get(), list(match.seats.all()))
    for episode in spec["episodes"]:
        assert (episode["clock"], episode["pondering"]) == ("wall", True)
        for agent in episode["agents"]:
            sent = (agent["packages"], agent["startup_s"], agent["memory_mb"])
            assert sent == ("scientific", 45.0, 3000)


def test_an_episode_keeps_the_limits_that_it_was_played_under(client, match):
    assert matches.record(result_of(match.attempts.get(), episode_result(), episode_result()))
    competition = match.competition
    competition.configuration, competition.clock, competition.memory_mb = {}, "charged", 1024
    competition.save()
    episode = Episode.objects.get(number=0)
    assert client.get(f"/api/v1/episodes/{episode.pk}").json()["limits"] == TOLD
    page = client.get(episode.get_absolute_url()).text
    assert [piece for piece in SHOWN if piece not in page] == []
    assert 'data-limit-s="3.0"' in page


def test_an_episode_from_before_limits_were_kept_shows_those_of_its_competition(client, chosen):
    seats = [make_entrant(chosen, make_user(name)).submission for name in ("alice", "bob")]
    episode = make_rated_match(chosen, *seats).episodes.first()
    assert episode.limits == {}
    assert client.get(f"/api/v1/episodes/{episode.pk}").json()["limits"] == TOLD
    assert "45&nbsp;s" in client.get(episode.get_absolute_url()).text


def test_load_level_and_waits_are_recorded_and_told(client, match):
    loaded = episode_result() | {
        "overloaded": True, "level": "B", "cpu": [1.5, None], "delay": [0.75, None],
    }  # fmt: skip
    assert matches.record(result_of(match.attempts.get(), loaded, episode_result()))
    first, second = Episode.objects.order_by("number")
    told = client.get(f"/api/v1/matches/{match.pk}").json()["episodes"]
    assert [episode["is_overloaded"] for episode in told] == [True, False]
    assert [episode["level"] for episode in told] == ["B", ""]
    seats = [(seat["cpu_s"], seat["delay_s"]) for seat in told[0]["seats"]]
    assert seats == [(1.5, 0.75), (None, None)]
    sentence = "The machine was overloaded while this was played. Seat 1 waited 0.75 s"
    for address in (match.get_absolute_url(), first.get_absolute_url()):
        page = client.get(address).text
        assert page.count(sentence) == 1
        assert "isolation level B" in page
    assert "overloaded" not in client.get(second.get_absolute_url()).text


@pytest.mark.parametrize(
    "change",
    [{"cpu": [1.0]}, {"delay": [1.0, 2.0, 3.0]}, {"level": "A+"}, {"cpu": [-1.0, 0.0]}],
)
def test_load_that_does_not_fit_is_not_recorded(match, change):
    results = [episode_result() | change, episode_result()]
    with suppress(ResultError):  # by its own form, or else by what its match is
        assert matches.record(result_of(match.attempts.get(), *results))
    assert not Episode.objects.exists()


def test_a_move_keeps_its_times(match):
    move = {"step": 1, "stdout": "", "stderr": "", "seconds": 0.2, "bank_left": 17.0,
            "wall": 0.3, "cpu": 0.2, "delay": 0.1, "think": 0.05}  # fmt: skip
    logs = base64.b64encode(replay.to_bytes({"seats": [[move], []]})).decode()
    played = episode_result() | {"logs": logs}
    assert matches.record(result_of(match.attempts.get(), played, episode_result()))
    assert matches.storage.read_logs(Episode.objects.get(number=0), 0) == [move]
