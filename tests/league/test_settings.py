"""What the settings make of the environment."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured

FILE = Path(__file__).parents[2] / "league" / "settings.py"
VARIABLES = (
    "HOST", "PORT", "SITE_URL", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "SECRET_KEY",
    "EMAIL_URL", "SIGNUP", "DEBUG", "EVALUATION_CONCURRENCY", "SANDBOX_MINIMUM",
    "URL_AGENT_ALLOW_PRIVATE",
)  # fmt: skip


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Executes the settings file with exactly these variables."""

    def load(**variables):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(f"{name}_FILE", raising=False)
        for name, value in ({"DATA_DIR": str(tmp_path)} | variables).items():
            monkeypatch.setenv(name, value)
        return SimpleNamespace(**runpy.run_path(str(FILE)))

    return load


def test_nothing_set_serves_loopback_only(load):
    settings = load()
    assert (settings.HOST, settings.PORT) == ("127.0.0.1", 8000)
    assert settings.SITE_URL == "http://127.0.0.1:8000"
    assert set(settings.ALLOWED_HOSTS) == {"127.0.0.1", "localhost", "[::1]"}


def test_nothing_set_uses_sqlite_and_a_private_redis_in_the_data_folder(load, tmp_path):
    settings = load()
    assert settings.DATABASES["default"]["NAME"] == tmp_path / "league.sqlite3"
    assert settings.REDIS_URL.startswith("unix:///")
    assert settings.CELERY_BROKER_URL.startswith("redis+socket:///")


@pytest.mark.parametrize("name", ["with space", "per%20cent", "a#b?c=d", "ünï", "x" * 200])
def test_data_folder_may_have_any_name(load, tmp_path, name):
    settings = load(DATA_DIR=str(tmp_path / name))
    assert settings.DATABASES["default"]["NAME"] == tmp_path / name / "league.sqlite3"
    socket = settings.REDIS_URL.removeprefix("unix://")
    assert len(socket.encode()) <= 100
    assert "%" not in socket


def test_sqlite_waits_for_its_turn_and_writes_ahead(load):
    options = load().DATABASES["default"]["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] >= 10
    assert "journal_mode=WAL" in options["init_command"]


def test_postgres_address_is_taken_apart(load):
    database = load(DATABASE_URL="postgres://me:p%40ss@db.example.org:5433/league").DATABASES
    assert database["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert database["default"]["PASSWORD"] == "p@ss"
    assert database["default"]["PORT"] == 5433


def test_secret_key_is_generated_once(load):
    assert load().SECRET_KEY == load().SECRET_KEY
    assert load(SECRET_KEY="given").SECRET_KEY == "given"


def test_https_address_makes_cookies_secure(load):
    settings = load(SITE_URL="https://league.example.org")
    assert settings.SESSION_COOKIE_SECURE
    assert settings.CSRF_COOKIE_SECURE
    assert settings.SECURE_HSTS_SECONDS > 0
    assert settings.CSRF_TRUSTED_ORIGINS == ["https://league.example.org"]
    assert "league.example.org" in settings.ALLOWED_HOSTS


def test_plain_address_works_without_secure_cookies(load):
    settings = load(SITE_URL="http://league.lan:8080")
    assert not settings.SESSION_COOKIE_SECURE
    assert not settings.SECURE_SSL_REDIRECT
    assert settings.SECURE_HSTS_SECONDS == 0


def test_ipv6_host_stands_in_brackets(load):
    assert load(HOST="::1").SITE_URL == "http://[::1]:8000"


@pytest.mark.parametrize(
    ("address", "protection"),
    [("smtp", (False, False)), ("smtp+tls", (True, False)), ("smtp+ssl", (False, True))],
)
def test_mail_address_is_taken_apart(load, address, protection):
    settings = load(EMAIL_URL=f"{address}://me:p%40ss@mail.example.org:2525")
    assert settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    assert (settings.EMAIL_HOST, settings.EMAIL_PORT) == ("mail.example.org", 2525)
    assert (settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD) == ("me", "p@ss")
    assert protection == (settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("SITE_URL", "league.example.org"),
        ("DATABASE_URL", "mysql://db/league"),
        ("DATABASE_URL", "postgres://db.example.org"),
        ("DATABASE_URL", "sqlite:///"),
        ("REDIS_URL", "localhost:6379"),
        ("EMAIL_URL", "mail.example.org"),
        ("SIGNUP", "maybe"),
        ("DEBUG", "2"),
        ("EVALUATION_CONCURRENCY", "all"),
        ("SANDBOX_MINIMUM", "a"),
        ("URL_AGENT_ALLOW_PRIVATE", "everything"),
    ],
)
def test_wrong_value_is_refused_by_name(load, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} must "):
        load(**{name: value})
