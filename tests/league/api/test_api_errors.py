"""Every failure under /api is a 4xx or 5xx with one sentence and a code."""

import json

import pytest
from django.db import connection
from django.test import Client

from tests.league.api.calls import API, fault

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    [
        "/", "/nonsense", "/competitions/", "/competitions/nowhere", "/competitions/No%20Slug!",
        "/competitions/nowhere/leaderboard", "/competitions/nowhere/matches",
        "/submissions/1", "/submissions/x", "/submissions/-1", "/submissions/1/logs",
        "/matches/1", "/episodes/1", "/episodes/1/replay", f"/matches/{10**30}",
        f"/episodes/{2**63}", f"/submissions/{2**63}", f"/submissions/{'9' * 400}",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_404(anyone, path):
    assert fault(anyone.get(path)) == (404, "not_found")


def test_unknown_competition_takes_no_submission(alice):
    response = alice.post("/competitions/nowhere/submissions", {"source": "x"})
    assert fault(response) == (404, "not_found")
    assert "'nowhere'" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/competitions"), ("delete", "/competitions/connectx"), ("put", "/matches/1"),
        ("get", "/competitions/connectx/submissions"), ("get", "/submissions/1/retire"),
        ("options", "/competitions"), ("post", "/openapi.json/"),
    ],
)  # fmt: skip
def test_wrong_method_names_the_right_one(anyone, connectx, method, path):
    response = getattr(anyone.client, method)(API + path)
    if path.endswith("/"):
        assert fault(response) == (404, "not_found")
    else:
        assert fault(response) == (405, "wrong_method")
        assert response["Allow"] in response.json()["error"]


def test_head_answers_like_get_without_a_body(anyone, connectx):
    path = f"{API}/competitions/connectx"
    response, whole = anyone.client.head(path), anyone.client.get(path)
    assert (response.status_code, response.content) == (200, b"")
    assert abs(int(response["Content-Length"]) - len(whole.content)) < 10  # of a date's fraction


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=many", "limit"),
        ("offset=-1", "offset"), ("offset=99999999999999999999", "offset"),
        ("state=WON", "state"), ("submission=x", "submission"),
    ],
)  # fmt: skip
def test_bad_parameter_is_named(anyone, connectx, query, field):
    response = anyone.get(f"/competitions/connectx/matches?{query}")
    assert fault(response) == (400, "invalid_field")
    assert response.json()["error"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "malformed_json"), ("{", "malformed_json"), (b"\xff\xfe", "malformed_json"),
        ("[" * 100_000, "malformed_json"), ("[1]", "not_an_object"), ('"text"', "not_an_object"),
        ("null", "not_an_object"), ("{}", "missing_field"),
        ('{"source": "x", "url": "https://example.org"}', "missing_field"),
        ('{"source": 1}', "invalid_field"), ('{"source": null}', "invalid_field"),
        ('{"url": ["https://example.org"]}', "invalid_field"), ('{"source": ""}', "empty_upload"),
        ('{"source": "x", "colour": 1}', "unknown_field"),
        ('{"source": "x", "description": 5}', "invalid_field"),
        (json.dumps({"source": "x", "description": "d" * 201}), "invalid_field"),
        ('{"source": "x", "description": "a\\u0000b"}', "invalid_field"),
        ('{"source": "\\ud800"}', "invalid_field"), ('{"url": "a\\u0000"}', "invalid_field"),
        ('{"url": "ftp://example.org/agent"}', "bad_url"), ('{"url": "nowhere"}', "bad_url"),
    ],
)  # fmt: skip
def test_bad_body_is_refused_with_a_reason(alice, connectx, body, code):
    response = alice.post("/competitions/connectx/submissions", body)
    assert fault(response) == (400, code)
    assert not connectx.submissions.exists()


def test_other_content_is_refused(alice, connectx):
    for content_type in ("application/x-www-form-urlencoded", "text/plain", ""):
        response = alice.post("/competitions/connectx/submissions", "source=x", content_type)
        assert fault(response) == (415, "unsupported_media_type")


def test_broken_form_is_refused(alice, connectx):
    response = alice.post(
        "/competitions/connectx/submissions", b"no parts", "multipart/form-data; boundary=x"
    )
    assert fault(response) == (400, "missing_file")
    response = alice.post("/competitions/connectx/submissions", b"no", "multipart/form-data")
    assert fault(response)[0] == 400


def test_body_over_the_limit_is_refused_by_its_length(alice, connectx):
    response = alice.client.post(
        f"{API}/competitions/connectx/submissions",
        headers=alice.headers,
        content_type="application/json",
        CONTENT_LENGTH=str(50 * 2**20),
    )
    assert fault(response) == (413, "too_large")


def test_body_without_a_length_is_refused(alice, connectx):
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    response = alice.client.generic(
        "POST", f"{API}/competitions/connectx/submissions", headers=alice.headers, **environ
    )
    assert fault(response) == (411, "length_required")


def test_our_fault_is_500_without_a_traceback(anyone, episode, caplog):
    with connection.cursor() as cursor:  # undone with the test's transaction
        cursor.execute("ALTER TABLE league_episodeseat RENAME TO lost")
    response = anyone.get(f"/episodes/{episode.pk}")
    assert fault(response) == (500, "server_error")
    assert "the API failed" in caplog.text


def test_page_that_does_not_exist_stays_a_page(db):
    response = Client().get("/api-like/nonsense")
    assert response["Content-Type"].startswith("text/html")
