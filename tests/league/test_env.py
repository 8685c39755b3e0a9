"""Reading the environment: what is wrong stops the start with one sentence that names it."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from league import env

NAME = "PALAESTRA_TEST_VALUE"


@pytest.fixture
def value(monkeypatch):
    return lambda text, name=NAME: monkeypatch.setenv(name, text)


@pytest.mark.parametrize(
    ("text", "expected"), [("1", True), ("on", True), ("No", False), ("", False), (" yes ", True)]
)
def test_switch_is_read(value, text, expected):
    value(text)
    assert env.env_bool(NAME) is expected


def test_switch_with_another_word_is_refused(value):
    value("maybe")
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} must be on or off, not 'maybe'.$"):
        env.env_bool(NAME)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8e3", "eight", "0x10", "1" * 12])
def test_number_outside_its_range_is_refused(value, text):
    value(text)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} must be a whole number from 1 to"):
        env.env_int(NAME, 8000, 1, 65535)


def test_empty_variable_counts_as_unset(value):
    value("  ")
    assert env.env_int(NAME, 8000, 1, 65535) == 8000


def test_choice_names_the_choices(value):
    value("D")
    with pytest.raises(ImproperlyConfigured, match="must be one of A, B, C, not 'D'"):
        env.env_choice(NAME, "A", ("A", "B", "C"))


def test_list_drops_blanks(value):
    value(" a, ,b ,")
    assert env.env_list(NAME) == ["a", "b"]


def test_secret_is_read_from_the_file_that_is_named(value, tmp_path):
    file = tmp_path / "secret"
    file.write_text("  hunter2\n")
    value(str(file), f"{NAME}_FILE")
    assert env.env_secret(NAME) == "hunter2"


def test_secret_given_twice_is_refused(value, tmp_path):
    value("one")
    value(str(tmp_path), f"{NAME}_FILE")
    with pytest.raises(ImproperlyConfigured, match=f"Set {NAME} or {NAME}_FILE, not both"):
        env.env_secret(NAME)


def test_secret_file_that_is_missing_is_refused(value, tmp_path):
    value(str(tmp_path / "none"), f"{NAME}_FILE")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE cannot be read"):
        env.env_secret(NAME)


@pytest.mark.parametrize("text", ["mysql://host/db", "host", "redis:host", "redis://host:port/0"])
def test_address_with_another_scheme_or_port_is_refused_without_showing_it(value, text):
    value(text)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} must ") as caught:
        env.env_url(NAME, "", ("redis", "unix"))
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["http://", "https://a/league", "https://me@a", "ftp://a", "https://a?b", "a.org"]
)
def test_site_address_is_scheme_host_and_port(value, text):
    value(text)
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} must "):
        env.env_site_url(NAME, "http://127.0.0.1:8000")


def test_slash_after_the_site_address_is_dropped(value):
    value("https://league.example.org/")
    assert env.env_site_url(NAME, "") == "https://league.example.org"


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "10.1.2.3:80", "::1", "[fd00::/8]:9000", "127.0.0.1, 10.0.0.0/8:1"]
)
def test_networks_are_read(value, text):
    value(text)
    assert env.env_networks(NAME) == [part.strip() for part in text.split(",")]


@pytest.mark.parametrize("text", ["example.org", "10.0.0.0/33", "10.1.2.3:0", "10.1.2.3:99999"])
def test_what_is_no_network_is_refused(value, text):
    value(text)
    with pytest.raises(ImproperlyConfigured, match="must list networks"):
        env.env_networks(NAME)


def test_generated_secret_is_the_same_for_all_that_ask_at_once(tmp_path):
    path = tmp_path / "new" / "secret"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: env.generated_secret(path), range(32)))
    assert len(found) == 1
    assert len(found.pop()) >= 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["secret"]
