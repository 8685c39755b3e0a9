"""Errors: one sentence as a page, as a fragment, or under /api/ as JSON; too large is not read."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import SuspiciousOperation
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from league.errors import Conflict, LeagueError
from league.middleware import LeagueErrorMiddleware
from league.views import errors
from tests.factories import make_competition, make_entrant, make_user

pytestmark = pytest.mark.django_db


class Unreadable:
    """A body that must not be read."""

    def read(self, size=-1):
        raise AssertionError("the body was read")

    readline = read


@pytest.fixture
def request_to():
    def make(path, **headers):
        request = RequestFactory().get(path, headers=headers)
        request.user = AnonymousUser()
        return request

    return make


def test_an_address_that_does_not_exist_is_a_page(client):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.text


def test_under_the_api_it_is_json(client):
    response = client.get("/api/nowhere")
    assert response.status_code == 404
    assert response.json() == {"error": "This page does not exist.", "code": "not_found"}


def test_htmx_gets_the_sentence_for_the_notices(client):
    response = client.get("/matches/12345/", headers={"HX-Request": "true"})
    assert response.status_code == 404
    assert response["HX-Retarget"] == "#notices"
    assert (
        response.text.strip() == '<p class="notice error" role="alert">There is no such match.</p>'
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429])
def test_each_kind_of_refusal_has_a_page_with_its_sentence(request_to, status):
    error = LeagueError("Because of the weather.", "weather", status)
    response = LeagueErrorMiddleware(lambda r: None).process_exception(request_to("/"), error)
    assert response.status_code == status
    assert "Because of the weather." in response.content.decode()


def test_what_an_agent_wrote_into_a_sentence_is_escaped(request_to):
    response = errors.answer(request_to("/"), Conflict("<script>alert(1)</script>", "x"))
    assert b"<script>alert" not in response.content


def test_other_exceptions_are_left_to_django(request_to):
    middleware = LeagueErrorMiddleware(lambda r: None)
    assert middleware.process_exception(request_to("/"), ValueError("x")) is None


@pytest.mark.parametrize(
    ("handler", "status"),
    [(errors.bad_request, 400), (errors.forbidden, 403), (errors.too_many, 429)],
)
def test_djangos_own_refusals_look_the_same(request_to, handler, status):
    response = handler(request_to("/"), SuspiciousOperation())
    assert response.status_code == status
    assert b"Palaestra" in response.content


def test_a_fault_of_ours_is_a_page_that_tells_nothing(client, monkeypatch):
    def broken(*args):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr("league.views.home.standings", broken)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "A fault of ours" in response.text
    assert "disk on fire" not in response.text


def test_the_page_of_a_fault_needs_no_database(client, request_to, django_assert_num_queries):
    """What failed may be the database: the page must not ask it who is looking."""
    request = request_to("/")
    request.user = SimpleLazyObject(lambda: make_user("alice"))
    with django_assert_num_queries(0):
        assert errors.server_error(request).status_code == 500


def test_a_form_without_its_token_says_what_to_do():
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/accounts/login/", {"login": "a", "password": "b"})
    assert response.status_code == 403
    assert "This form is too old" in response.text


@pytest.mark.parametrize(
    ("path", "length"),
    [
        ("/competitions/connectx/submit/", 50 * 2**20),
        ("/api/v1/competitions/connectx/submissions", 50 * 2**20),
        ("/accounts/login/", 2 * 2**20),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_read(path, length):
    make_competition()
    request = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_LENGTH": str(length),
        "CONTENT_TYPE": "application/octet-stream", "wsgi.input": Unreadable(),
    }  # fmt: skip
    response = Client().request(**request)
    assert response.status_code == 413
    if path.startswith("/api/"):
        assert response.json()["code"] == "too_large"
    else:
        assert "Too large" in response.text


def test_an_upload_of_the_allowed_size_passes(client):
    make_competition()
    client.force_login(make_user("alice"))
    source = "#" * (5 * 2**20) + "\ndef agent(observation):\n    return 0\n"
    form = {"way": "source", "source": source}
    assert client.post("/competitions/connectx/submit/", form).status_code == 302


def test_a_wrong_state_is_409_with_its_reason(client):
    alice = make_user("alice")
    submission = make_entrant(make_competition(), alice).submission
    client.force_login(alice)
    client.post(f"/submissions/{submission.pk}/retire/")
    response = client.post(f"/submissions/{submission.pk}/retire/")
    assert response.status_code == 409
    assert "This submission is retired" in response.text
