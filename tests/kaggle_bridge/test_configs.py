"""The trainer is asked in a child: what it tells is kept, what it refuses is one sentence."""

import json
import subprocess
import sys

import pytest
from django.core.cache import cache

from kaggle_bridge import configs
from league.errors import LeagueError


@pytest.fixture(autouse=True)
def _new_process():
    configs.schema.cache_clear()
    yield
    configs.schema.cache_clear()


@pytest.fixture
def child(monkeypatch):
    """Another program in the trainer's place; the list has the calls."""
    real, calls = subprocess.run, []

    def put(code: str) -> list:
        def run(command, **options):
            calls.append((command, options))
            return real([sys.executable, "-c", code], **options)

        monkeypatch.setattr(subprocess, "run", run)
        return calls

    return put


def refusal(preset="tictactoe", **overrides) -> LeagueError:
    with pytest.raises(LeagueError) as refused:
        configs.check(preset, overrides)
    return refused.value


def test_the_schema_is_asked_for_once_and_then_kept(child) -> None:
    told = configs.schema()
    assert "tictactoe" in told["presets"]
    assert configs.presets() == list(told["presets"])
    calls = child("print('{}')")
    assert configs.schema() is told
    configs.schema.cache_clear()
    assert configs.schema() == told, "another process has it from the cache"
    assert not calls
    configs.schema.cache_clear()
    cache.clear()
    assert configs.schema() == {}
    assert len(calls) == 1


def test_a_good_configuration_comes_back_whole_with_its_facts() -> None:
    checked = configs.check("tictactoe", {"selfplay": {"games": 64}, "total_steps": 500})
    assert checked.config["total_steps"] == 500
    assert checked.config["selfplay"]["games"] == 64
    assert checked.overrides == {"selfplay.games": 64, "total_steps": 500}
    assert checked.facts["environment"] == "tictactoe"
    assert configs.value_at(checked.config, "selfplay.games") == 64
    assert configs.value_at(checked.config, "selfplay.games.x") is None


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"sed": 1}, 'There is no key "sed"; the nearest is "seed".'),
        (
            {"selfplay.games": 3},
            "selfplay: shards must divide games, which are played in such parts.",
        ),
        ({"seed": float("nan")}, "The configuration cannot be used: NaN is no number of JSON."),
        ({"sweep": {"steps": 10, "grid": {"selfplay.games": [64]}}}, 'A run here has no "sweep"'),
        ({"\ud800": "\0"}, 'There is no key "\\ud800" (there are '),
    ],
)
def test_what_cannot_be_used_is_refused_in_the_trainers_sentence(overrides, sentence) -> None:
    error = refusal(**overrides)
    assert (error.code, error.status) == ("bad_config", 400)
    assert error.message.startswith(sentence)
    assert error.message.endswith(".")


def test_the_child_gets_a_home_of_its_own_and_no_secret(child, monkeypatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", "sesame")
    calls = child("import os, json; print(json.dumps(dict(os.environ)))")
    seen = configs.schema()
    assert set(seen) <= {"PATH", "LANG", "HOME", "LC_CTYPE"}
    assert seen["HOME"] != str(configs.settings.BASE_DIR)
    assert calls[0][0] == [sys.executable, "-m", "training", "schema"]


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.kill(os.getpid(), 9)",
        "import sys; sys.exit('no memory left, sesame')",
        "import time; time.sleep(60)",
        "print('half of {')",
    ],
)
def test_a_failure_of_ours_is_no_fault_of_the_configuration(child, monkeypatch, code) -> None:
    monkeypatch.setattr(configs, "TIMEOUT_S", 0.3)
    child(code)
    error = refusal()
    assert (error.code, error.status) == ("check_failed", 500)
    assert "our fault" in error.message
    assert "sesame" not in error.message


def test_a_schema_that_could_not_be_asked_for_is_not_kept(child) -> None:
    child("raise SystemExit(2)")
    with pytest.raises(LeagueError, match="our fault"):
        configs.schema()
    child(f"print('''{json.dumps({'presets': {}})}''')")
    assert configs.schema() == {"presets": {}}


def test_a_long_refusal_is_cut_to_its_last_line(child) -> None:
    child("import sys; print('a warning\\n' + 'x' * 999, file=sys.stderr); sys.exit(2)")
    assert refusal().message == "x" * 300 + "…"
