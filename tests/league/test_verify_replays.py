"""manage.py verify_replays: stored replays are played again, and what differs is named."""

import gzip
import io

import orjson
import pytest
from django.core.management import CommandError, call_command

from evaluation import replay
from evaluation.match import AgentSpec, EpisodeSpec, play_episode
from league import matches, storage
from league.models import Episode, Match
from tests.factories import make_competition, make_entrant, make_user, send_match
from tests.league.test_matches import encoded, episode_result, result_of

pytestmark = pytest.mark.django_db


def played() -> dict:
    seats = [AgentSpec("random", "builtin", name=name) for name in ("alice", "bob")]
    result = play_episode(EpisodeSpec("connectx", {}, seats, seed=4))
    return episode_result(tuple(result.rewards)) | {"replay": encoded(result.replay)}


@pytest.fixture
def episodes() -> list[Episode]:
    """Two episodes of a match, recorded as a worker sends them."""
    competition = make_competition()
    seats = [make_entrant(competition, make_user(name)).submission for name in ("alice", "bob")]
    match = send_match(competition, Match.Purpose.RATED, seats)
    assert matches.record(result_of(match.attempts.get(), played(), played()))
    return list(Episode.objects.order_by("pk"))


def verify(*options: object) -> str:
    out = io.StringIO()
    call_command("verify_replays", "connectx", *options, stdout=out)
    return out.getvalue()


def complaints() -> list[str]:
    """The lines that it prints before it exits with 1."""
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("verify_replays", "connectx", stdout=out)
    assert raised.value.returncode == 1
    return [*out.getvalue().splitlines(), str(raised.value)]


def change(episode: Episode, **fields) -> None:
    recorded = replay.from_bytes(storage.read_replay_bytes(episode))
    storage.replay_path(episode.pk).write_bytes(replay.to_bytes(recorded | fields))


def test_replays_as_recorded_are_counted(episodes):
    assert verify() == "Replays as recorded: 2.\n"
    assert verify("--limit", 1) == "Replays as recorded: 1.\n"


def test_what_differs_is_printed_and_the_exit_status_is_1(episodes):
    change(episodes[0], statuses=["DONE", "ERROR"])
    differs = 'statuses[1] is "ERROR" in the replay, "DONE" when played again.'
    assert complaints() == [
        f"Episode {episodes[0].pk}: {differs}",
        "Replays that differ: 1 of 2.",
    ]
    assert verify("--limit", 1) == "Replays as recorded: 1.\n"


def test_a_replay_of_another_game_or_result_differs(episodes):
    first, second = episodes
    other = play_episode(EpisodeSpec("tictactoe", {}, [AgentSpec("random", "builtin")] * 2))
    storage.replay_path(first.pk).write_bytes(replay.to_bytes(other.replay))
    second.seats.update(reward=0.25)
    assert "".join(complaints()).count("another result than the league recorded") == 2


def test_a_damaged_replay_differs_and_one_that_is_gone_does_not(episodes):
    first, second = episodes
    storage.replay_path(first.pk).write_bytes(b"rot")
    storage.replay_path(second.pk).unlink()
    assert complaints() == [
        f"Episode {first.pk}: The file holds no replay.",
        "Replays that differ: 1 of 1.",
    ]


def test_a_replay_of_the_first_leagues_is_played_again(episodes):
    path = storage.replay_path(episodes[0].pk)
    recorded = replay.from_bytes(path.read_bytes())
    path.with_suffix(".json.gz").write_bytes(gzip.compress(orjson.dumps(recorded)))
    path.unlink()
    assert verify() == "Replays as recorded: 2.\n"


def test_a_competition_that_is_not_there():
    with pytest.raises(CommandError, match="no competition 'chess'"):
        call_command("verify_replays", "chess")
