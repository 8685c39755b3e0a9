"""The cache: what others wrote is nothing, and without Redis the site goes on."""

import json

import pytest
from django.core.cache import cache, caches
from django.test import override_settings

from league import live
from tests.factories import make_competition, make_entrant


@pytest.mark.parametrize("value", ["<b>", 7, [1, {"a": None}], {"ä": 0.5}, True, ""])
def test_a_value_comes_back_as_it_was(value) -> None:
    cache.set("key", value, 60)
    assert cache.get("key") == value
    assert cache.get_many(["key", "other"]) == {"key": value}
    assert not cache.add("key", "new", 60)
    cache.delete("key")
    assert cache.get("key", "none") == "none"


@pytest.mark.parametrize("forged", [b"", b"\xff", b"1", b"null", b"<script>", b'"x":sig', b"x:"])
def test_what_somebody_else_wrote_is_nothing(forged) -> None:
    live.client().set(cache.make_key("key"), forged)
    assert cache.get("key", "none") == "none"


def test_a_value_moved_to_another_key_is_nothing() -> None:
    cache.set("mine", "secret", 60)
    live.client().copy(cache.make_key("mine"), cache.make_key("yours"))
    assert cache.get("yours") is None


@pytest.mark.django_db
def test_forged_markup_never_reaches_a_page(client) -> None:
    make_entrant(make_competition())
    client.get("/competitions/connectx/leaderboard/")
    keys = live.client().keys("*leaderboard-*")
    assert keys
    for key in keys:
        live.client().set(key, json.dumps("<i>forged</i>"))
    assert "alice" in client.get("/competitions/connectx/leaderboard/").content.decode()


@pytest.mark.django_db
def test_pages_work_without_redis(client, settings, tmp_path) -> None:
    away = settings.CACHES["default"] | {"LOCATION": f"unix://{tmp_path}/nobody.sock"}
    make_entrant(make_competition())
    with override_settings(CACHES={"default": away}, REDIS_URL=away["LOCATION"]):
        caches["default"].set("key", 1)
        assert caches["default"].get("key") is None
        for path in (
            "/", "/competitions/", "/competitions/connectx/leaderboard/", "/status/",
            "/accounts/login/", "/accounts/signup/",
        ):  # fmt: skip
            assert client.get(path).status_code == 200, path
        answer = client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
        assert answer.status_code == 200
