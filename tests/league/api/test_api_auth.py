"""Who is let in: tokens, scopes, the session for reading only."""

import pytest

from tests.league.api.calls import API, Caller

pytestmark = pytest.mark.django_db
SOURCE = {"source": "def agent(o):\n    return 0\n"}
SUBMIT = "/competitions/connectx/submissions"


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Bearer ", "Token abc", "nonsense", "Bearer käse"]
)
def test_bad_token_is_refused_even_where_none_is_needed(anyone, connectx, header):
    response = anyone.get("/competitions", Authorization=header)
    assert response.status_code == 401
    assert response.json()["code"] == "bad_token"
    assert response["WWW-Authenticate"] == "Bearer"


def test_password_for_a_proxy_is_not_taken_for_a_token(anyone, connectx):
    assert anyone.get("/competitions", Authorization="Basic YWxpY2U6eA==").status_code == 200


def test_scheme_is_written_in_any_case(alice, connectx):
    token = alice.headers["Authorization"].removeprefix("Bearer ")
    assert alice.get("/competitions", Authorization=f"bearer {token}").status_code == 200


def test_submitting_takes_a_token(anyone, connectx):
    response = anyone.post(SUBMIT, SOURCE)
    assert response.status_code == 401
    assert response.json()["code"] == "not_logged_in"
    assert not connectx.submissions.exists()


def test_token_for_reading_may_not_submit(connectx):
    reader = Caller("alice", scope="read")
    response = reader.post(SUBMIT, SOURCE)
    assert (response.status_code, response.json()["code"]) == (403, "scope_too_small")
    assert reader.get("/competitions/connectx").json()["limits"]["left_today"] == 5
    assert not connectx.submissions.exists()


def test_session_reads_what_is_its_users(alice, episode):
    submission = episode.seats.get(number=0).submission_id
    alice.client.force_login(alice.user)
    assert alice.client.get(f"{API}/submissions/{submission}/logs").status_code == 200


def test_session_alone_never_posts(alice, connectx):
    alice.client.force_login(alice.user)
    response = alice.client.post(API + SUBMIT, SOURCE, "application/json")
    assert response.status_code == 401
    assert not connectx.submissions.exists()


def test_public_answers_do_not_open_the_session(alice, episode):
    alice.client.force_login(alice.user)
    response = alice.client.get(f"{API}/episodes/{episode.pk}/replay")
    assert "Cookie" not in response["Vary"]
