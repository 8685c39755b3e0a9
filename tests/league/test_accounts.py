"""Accounts: who may sign up, the pages around logging in, and whose e-mail address is confirmed."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache

from league import tokens
from league.accounts import has_verified_email
from league.errors import Forbidden
from league.models import Invitation, Submission
from league.submissions import Upload, submit
from tests.factories import make_competition, make_staff, make_user

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


# Confirmed addresses. What is sent lands in the outbox.

SOURCE = "def agent(observation):\n    return 0\n"
ALICES = "alice@example.org"


@pytest.fixture
def alice(client):
    user = make_user("alice")
    client.force_login(user)
    return user


def change(client, action, address=ALICES):
    cache.clear()  # a next mail to the same address has to wait three minutes
    return client.post("/accounts/email/", {action: "", "email": address}, follow=True)


def follow_link(client, number=-1):
    link = re.search(r"/accounts/confirm-email/\S+", mail.outbox[number].body)[0]
    page = client.get(link)
    return client.post(link, follow=True) if "Yes, confirm it" in page.text else page


def test_an_address_of_the_sign_up_is_confirmed_by_the_link_in_the_mail(client):
    sign_up(client, email="dora@example.org")
    dora = get_user_model().objects.get(username="dora")
    assert not has_verified_email(dora)
    assert mail.outbox[0].to == ["dora@example.org"]
    client.logout()
    assert "You have confirmed dora@example.org" in follow_link(client).text
    assert has_verified_email(dora)
    client.force_login(dora)
    assert "verified" in client.get("/accounts/email/").text


def test_looking_at_the_link_confirms_nothing(client, alice):
    change(client, "action_add")
    link = re.search(r"/accounts/confirm-email/\S+", mail.outbox[0].body)[0]
    assert f"Is <b>{ALICES}</b> your address?" in client.get(link).text
    assert not has_verified_email(alice)
    assert client.get("/accounts/confirm-email/forged:key/").status_code == 200
    assert not has_verified_email(alice)


def test_the_mail_is_sent_again_when_asked_for(client, alice):
    change(client, "action_add")
    page = change(client, "action_send")
    assert f"Confirmation email sent to {ALICES}" in page.text
    assert len(mail.outbox) == 2
    client.post("/accounts/email/", {"action_send": "", "email": ALICES})
    assert len(mail.outbox) == 2  # not twice within three minutes
    follow_link(client)
    assert has_verified_email(alice)


def test_who_removes_the_confirmed_address_has_none(client, alice):
    change(client, "action_add")
    follow_link(client)
    change(client, "action_add", "new@example.org")
    change(client, "action_primary", "new@example.org")
    assert has_verified_email(alice)  # still the old one: the new one cannot take its place yet
    change(client, "action_remove", "new@example.org")
    change(client, "action_remove")
    assert not has_verified_email(alice)


def test_a_changed_address_counts_once_it_is_confirmed(client, alice):
    change(client, "action_add")
    follow_link(client)
    change(client, "action_add", "new@example.org")
    follow_link(client)
    change(client, "action_primary", "new@example.org")
    change(client, "action_remove")
    alice.refresh_from_db()
    assert has_verified_email(alice)
    assert alice.email == "new@example.org"


def test_one_address_confirms_one_account(client, alice):
    change(client, "action_add")
    follow_link(client)
    bob = make_user("bob", email=ALICES)  # as the organiser may have typed it
    client.force_login(bob)
    client.get("/accounts/email/")
    change(client, "action_send")
    assert "belongs to another account" in follow_link(client).text
    assert (has_verified_email(alice), has_verified_email(bob)) == (True, False)


def test_a_link_to_an_address_that_was_removed_meanwhile_confirms_nothing(client, alice):
    change(client, "action_add")
    change(client, "action_remove")
    follow_link(client)
    assert not has_verified_email(alice)


def test_where_it_is_asked_for_only_confirmed_ones_submit(client, alice, settings):
    asking, easy = make_competition(requires_verified_email=True), make_competition("easy")
    upload = Upload.from_source(SOURCE)
    assert submit(easy, alice, upload).created
    for user in (alice, make_staff()):
        with pytest.raises(Forbidden) as error:
            submit(asking, user, upload)
        assert (error.value.code, error.value.status) == ("email_not_verified", 403)
    assert f"{settings.SITE_URL}/accounts/email/" in error.value.message
    assert not Submission.objects.filter(competition=asking).exists()
    change(client, "action_add")
    follow_link(client)
    assert submit(asking, alice, upload).created


def test_the_submit_page_says_so_before_the_button(client, alice):
    make_competition(requires_verified_email=True)
    path, form = "/competitions/connectx/submit/", {"way": "source", "source": SOURCE}
    page = client.get(path).text
    assert page.count('<a href="/accounts/email/">add yours</a>') == 1
    assert 'type="submit" disabled>Submit' in page
    refused = client.post(path, form)
    assert (refused.status_code, refused.text.count("confirmed e-mail address")) == (403, 1)
    change(client, "action_add")
    follow_link(client)
    assert "confirmed e-mail address" not in client.get(path).text
    assert client.post(path, form).status_code == 302


def test_the_api_says_where_to_confirm(client, alice, settings):
    make_competition(requires_verified_email=True)
    headers = {"Authorization": f"Bearer {tokens.issue(alice)}"}
    response = client.post(
        "/api/v1/competitions/connectx/submissions",
        {"source": SOURCE},
        content_type="application/json",
        headers=headers,
    )
    assert response.status_code == 403
    assert response.json()["code"] == "email_not_verified"
    assert f"{settings.SITE_URL}/accounts/email/" in response.json()["error"]
