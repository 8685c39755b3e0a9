"""Episodes and replays: what goes out is the whole JSON, and may be kept for ever."""

import gzip

import pytest

from league import storage
from tests.league.api.calls import REPLAY, fault

pytestmark = pytest.mark.django_db


def test_episode_tells_its_seats(anyone, episode):
    answer = anyone.get(f"/episodes/{episode.pk}").json()
    assert (answer["id"], answer["match"], answer["steps"]) == (episode.pk, episode.match_id, 3)
    assert [(seat["seat"], seat["score"]) for seat in answer["seats"]] == [(0, 0.5), (1, 0.5)]


def test_replay_is_json_that_may_be_kept(anyone, episode):
    response = anyone.get(f"/episodes/{episode.pk}/replay")
    assert response["Content-Type"] == "application/json"
    assert response.json() == REPLAY
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Content-Encoding" not in response


def test_replay_goes_out_compressed_to_who_takes_that(anyone, episode):
    response = anyone.get(f"/episodes/{episode.pk}/replay", Accept_Encoding="gzip, deflate, br")
    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content) == storage.read_replay_json(episode)
    assert "Accept-Encoding" in response["Vary"]


def test_replay_that_is_not_kept_any_more(anyone, episode):
    storage.replay_path(episode.pk).unlink()
    response = anyone.get(f"/episodes/{episode.pk}/replay")
    assert fault(response) == (404, "not_found")
    assert "immutable" not in response["Cache-Control"]
