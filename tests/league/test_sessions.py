"""Sessions: what the cookie may say."""

import pytest

from league.sessions import SessionStore
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("key", ['"\\000abcdefghijkl"', "%00" * 8, "' or 1=1 --", "ä" * 32, "x"])
def test_a_key_that_none_can_be_is_nobody(client, django_assert_num_queries, key):
    client.defaults["HTTP_COOKIE"] = f"sessionid={key}"
    with django_assert_num_queries(0):
        assert client.get("/help/").context["user"].is_anonymous


def test_a_key_that_was_given_out_is_somebody(client):
    client.force_login(make_user())
    assert client.get("/help/").context["user"].username == "alice"
    assert SessionStore(client.session.session_key).session_key == client.session.session_key
