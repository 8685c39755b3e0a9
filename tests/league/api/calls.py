"""A client that speaks the API as somebody, and a play with its files as a worker leaves them."""

import json

from django.test import Client

from evaluation import replay
from league import storage, tokens
from league.models import Episode, EpisodeSeat
from tests.factories import make_user

API = "/api/v1"


def fault(response) -> tuple[int, str]:
    """Status and code of an error, whose shape is checked."""
    assert response["Content-Type"].startswith("application/json")
    body = response.json()
    assert set(body) == {"error", "code"}
    assert body["error"].endswith((".", "?"))
    assert "\n" not in body["error"]
    assert "Traceback" not in body["error"]
    return response.status_code, body["code"]


class Caller:
    """Calls /api/v1 with a token of this user; without a name, without a token."""

    def __init__(self, name: str = "", scope: str = "submit", **user) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {}
        if name:
            self.user = make_user(name, **user)
            self.headers["Authorization"] = f"Bearer {tokens.issue(self.user, scope)}"

    def get(self, path: str, **headers):
        return self.client.get(API + path, headers=self.headers | headers)

    def post(self, path: str, body=None, content_type: str = "application/json", **headers):
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        return self.client.post(
            API + path,
            content,
            content_type,
            headers=self.headers | named(headers),
            CONTENT_TYPE=content_type,  # which the client leaves out of an empty request
        )

    def send_file(self, path: str, **parts):
        headers = {"idempotency-key": parts.pop("key")} if "key" in parts else {}
        return self.client.post(API + path, parts, headers=self.headers | headers)


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


REPLAY = {"name": "connectx", "steps": [[{}, {}], [{}, {}], [{}, {}]], "info": {"seed": 7}}


def make_episode(match, number: int = 0, **fields) -> Episode:
    """An episode of this match with its replay, and logs that both seats printed at step 1."""
    episode = Episode.objects.create(match=match, number=number, steps=3, seconds=0.5, **fields)
    for seat in match.seats.all():
        EpisodeSeat.objects.create(
            episode=episode,
            number=seat.number,
            submission=seat.submission,
            status="DONE",
            score=0.5,
        )
    entry = {"step": 1, "stdout": "hello\n", "stderr": "", "seconds": 0.01, "bank_left": 60.0}
    storage.save_episode_files(
        episode.pk,
        replay.to_bytes(REPLAY),
        replay.to_bytes({"seats": [[entry], [entry]]}),
    )
    return episode
