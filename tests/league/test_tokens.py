"""API tokens: hashed, scoped to a user, and what `manage.py token` prints."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from league import tokens
from league.models import ApiToken, Team
from tests.factories import make_staff, make_user

pytestmark = pytest.mark.django_db


def test_token_is_recognised_and_names_its_user():
    raw = tokens.issue(make_user("alice"))
    token = tokens.authenticate(raw)
    assert token is not None
    assert (token.user.username, token.scope) == ("alice", ApiToken.Scope.SUBMIT)


def test_only_the_hash_of_a_token_is_stored():
    raw = tokens.issue(make_user("alice"))
    stored = ApiToken.objects.values_list().get()
    assert raw not in map(str, stored)
    assert raw.removeprefix(tokens.PREFIX) not in " ".join(map(str, stored))


@pytest.mark.parametrize("raw", ["", "palaestra_", "x" * 5000, "käse", "\udcff"])
def test_unknown_token_is_not_recognised(raw):
    tokens.issue(make_user("alice"))
    assert tokens.authenticate(raw) is None


def test_token_of_an_account_that_was_closed_is_not_recognised():
    user = make_user("alice")
    raw = tokens.issue(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert tokens.authenticate(raw) is None


def test_last_use_is_written_at_most_once_a_minute(django_assert_num_queries):
    raw = tokens.issue(make_user("alice"))
    assert tokens.authenticate(raw).last_used is not None
    with django_assert_num_queries(1):
        tokens.authenticate(raw)
    long_ago = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.update(last_used=long_ago)
    with django_assert_num_queries(2):
        tokens.authenticate(raw)
    assert ApiToken.objects.get().last_used > long_ago


def printed(*args: str) -> str:
    out = StringIO()
    call_command("token", *args, stdout=out)
    return out.getvalue()


def test_command_prints_a_token_and_nothing_else():
    make_user("alice")
    token = tokens.authenticate(printed("alice").removesuffix("\n"))
    assert token is not None
    assert token.user.username == "alice"


def test_command_makes_a_user_without_password_and_a_team_of_the_same_name():
    raw = printed("bob", "--create").strip()
    user = tokens.authenticate(raw).user
    assert not user.has_usable_password()
    assert not user.is_staff
    assert Team.objects.of(user).get().name == "bob"


def test_command_run_again_gives_a_second_token_of_the_same_user():
    first, second = printed("bob", "--create").strip(), printed("bob", "--create").strip()
    assert first != second
    assert tokens.authenticate(first).user == tokens.authenticate(second).user


def test_staff_token_is_for_staff():
    assert tokens.authenticate(printed("carol", "--create", "--staff").strip()).user.is_staff
    make_staff("dora")
    assert tokens.authenticate(printed("dora", "--staff").strip()).scope == ApiToken.Scope.STAFF
    make_user("alice")
    with pytest.raises(CommandError, match="not staff"):
        printed("alice", "--staff")


@pytest.mark.parametrize("username", ["nobody", "no such name"])
def test_command_refuses_an_unknown_user(username):
    with pytest.raises(CommandError, match="--create"):
        printed(username)


@pytest.mark.parametrize("username", ["", "two words", "<b>", "x" * 151])
def test_command_makes_no_user_of_a_bad_name(username):
    with pytest.raises(CommandError):
        printed(username, "--create")
    assert not User.objects.filter(username=username).exists()
