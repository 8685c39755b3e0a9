"""The key of the league, with which an agent behind a URL checks who asks."""

import stat

import pytest

from evaluation.signing import SignatureError, SigningKey, verify
from league.run import steps
from league.run.errors import StartError

URL = "https://agents.example.org/act"


@pytest.fixture
def path(settings, tmp_path):
    settings.SIGNING_KEY_PATH = tmp_path / "signing.key"
    return settings.SIGNING_KEY_PATH


def test_what_the_league_signs_is_verified_with_the_key_that_it_tells(anyone, path):
    steps.make_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    public = anyone.get("/signing-key").json()["key"]
    assert public.startswith("whpk_")
    headers = SigningKey.load_or_create(path).sign(URL, b"{}")
    verify(public, URL, headers, b"{}")
    with pytest.raises(SignatureError):
        verify(public, URL, headers, b"[]")


def test_the_key_is_made_on_first_use_and_stays(anyone, path):
    first = anyone.get("/signing-key").json()
    assert first == anyone.get("/signing-key").json()
    assert path.read_text().strip() not in first["key"]


def test_the_call_is_documented(anyone):
    document = anyone.get("/openapi.json").json()
    assert document["paths"]["/api/v1/signing-key"]["get"]["security"][-1] == {}


def test_a_file_that_holds_no_key_stops_the_start_with_a_sentence(path):
    path.write_text("rot")
    with pytest.raises(StartError, match="holds no signing key"):
        steps.make_signing_key(path)
