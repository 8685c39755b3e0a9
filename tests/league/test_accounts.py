"""Accounts: who may sign up, and the pages around logging in."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail

from league.models import Invitation
from tests.factories import make_user

pytestmark = pytest.mark.django_db
FORM = {"username": "dora", "password1": "correct horse 9", "password2": "correct horse 9"}


def sign_up(client, **fields):
    return client.post("/accounts/signup/", FORM | fields)


def has_dora():
    return get_user_model().objects.filter(username="dora").exists()


def test_anybody_may_sign_up_where_it_is_open(client):
    assert sign_up(client).status_code == 302
    assert "dora" in client.get("/").text


def test_nobody_may_where_it_is_closed(client, settings):
    settings.SIGNUP = "closed"
    assert "takes no new members" in client.get("/accounts/signup/").text
    sign_up(client)
    assert not has_dora()
    assert "/accounts/signup/" not in client.get("/").text


def test_an_invitation_admits_one_person(client, settings):
    settings.SIGNUP = "invite"
    invitation = Invitation.objects.create(code="golden")
    assert "by invitation" in client.get("/accounts/signup/").text
    assert client.get("/accounts/signup/?invitation=golden").status_code == 200
    assert sign_up(client).status_code == 302
    invitation.refresh_from_db()
    assert invitation.used_by.username == "dora"
    client.logout()
    page = client.get("/accounts/signup/?invitation=golden").text
    assert "it has been used" in page


@pytest.mark.parametrize("code", ["", "tin", "golden%00"])
def test_without_a_good_code_nobody_is_made(client, settings, code):
    settings.SIGNUP = "invite"
    Invitation.objects.create(code="golden")
    client.get(f"/accounts/signup/?invitation={code}")
    sign_up(client)
    assert not has_dora()


def test_a_code_that_was_used_meanwhile_leaves_no_user_behind(client, settings, monkeypatch):
    settings.SIGNUP = "invite"
    invitation = Invitation.objects.create(code="golden")
    client.get("/accounts/signup/?invitation=golden")
    # The other person is faster: between our check and our claim the code is taken.
    monkeypatch.setattr("league.accounts._has_invitation", lambda request: True)
    Invitation.objects.filter(pk=invitation.pk).update(used_by=make_user("bob"))
    response = sign_up(client)
    assert response.status_code == 403
    assert "used meanwhile" in response.text
    assert not has_dora()


def test_a_name_can_be_used_once(client):
    make_user("dora")
    response = sign_up(client)
    assert response.status_code == 200
    assert "already exists" in response.text


def test_logging_in_and_out(client):
    make_user("alice")
    form = {"login": "alice", "password": "correct horse battery"}
    assert client.post("/accounts/login/", form)["Location"] == "/"
    assert "You are logged in as alice." in client.get("/").text
    assert client.get("/accounts/logout/").status_code == 200
    page = client.post("/accounts/logout/", follow=True).text
    assert "You are logged out." in page
    assert "Log in" in page


def test_the_forms_say_everything_once(client):
    login = client.get("/accounts/login/").text
    assert login.count("/accounts/password/reset/") == 1
    assert client.get("/accounts/signup/").text.count("(optional)") == 1


def test_a_wrong_password_says_so(client):
    make_user("alice")
    response = client.post("/accounts/login/", {"login": "alice", "password": "wrong"})
    assert "not correct" in response.text


def test_too_many_attempts_are_429(client):
    make_user("alice")
    form = {"login": "alice", "password": "wrong"}
    answers = [client.post("/accounts/login/", form) for _ in range(12)]
    codes = {answer.status_code for answer in answers}
    text = answers[-1].text
    assert 429 in codes or "Too many failed login attempts" in text


def test_a_password_is_reset_by_mail(client):
    make_user("alice", email="alice@example.org")
    response = client.post("/accounts/password/reset/", {"email": "alice@example.org"}, follow=True)
    assert "Look into your mail" in response.text
    link = re.search(r"/accounts/password/reset/key/\S+", mail.outbox[0].body)[0]
    page = client.get(link, follow=True)
    form = {"password1": "battery staple 9", "password2": "battery staple 9"}
    done = client.post(page.request["PATH_INFO"], form, follow=True)
    assert "The password is set" in done.text
    assert client.login(username="alice", password="battery staple 9")
    assert "has been used or is too old" in client.get(link, follow=True).text


def test_a_member_changes_password_and_address(client):
    client.force_login(make_user("alice"))
    assert "E-mail addresses" in client.get("/accounts/email/").text
    response = client.post(
        "/accounts/email/", {"action_add": "", "email": "alice@example.org"}, follow=True
    )
    assert "alice@example.org" in response.text
    assert client.get("/accounts/password/change/").status_code == 200
