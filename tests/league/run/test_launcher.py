"""The launcher: what a process gets to see, and how often it is started."""

import os
import time

import pytest

from league.run import launcher, processes

SECRETS = {
    "SECRET_KEY": "s", "DATABASE_URL": "d", "EMAIL_URL": "e", "KAGGLE_KEY": "k",
    "KAGGLE_USERNAME": "u", "KAGGLE_API_TOKEN": "t", "https_proxy": "p", "NO_PROXY": "n",
    "AWS_SECRET_ACCESS_KEY": "a",
}  # fmt: skip


def seen_by(name: str, monkeypatch, tmp_path) -> set[str]:
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    every = [processes.private_redis(tmp_path), *processes.site_processes("", tmp_path)]
    plan = next(process for process in every if process.name == name).to_json()
    return set(launcher.environment(plan)) & set(SECRETS)


@pytest.mark.parametrize("name", ["redis", "evaluation-worker", "beat", "training-worker"])
def test_process_that_needs_no_secret_sees_none(name, monkeypatch, tmp_path):
    assert seen_by(name, monkeypatch, tmp_path) == set()


def test_only_the_site_and_its_worker_see_the_site_s_secrets(monkeypatch, tmp_path):
    web = seen_by("web", monkeypatch, tmp_path)
    assert web == {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL"}
    worker = seen_by("league-worker", monkeypatch, tmp_path)
    assert worker == {"SECRET_KEY", "DATABASE_URL", "EMAIL_URL"}


def test_only_the_bridge_s_worker_sees_what_is_for_kaggle(monkeypatch, tmp_path):
    bridge = seen_by("bridge-worker", monkeypatch, tmp_path)
    assert bridge == set(SECRETS) - {"AWS_SECRET_ACCESS_KEY"}


def test_training_worker_sees_the_data_folder_and_what_every_process_sees(tmp_path):
    [worker] = [p for p in processes.site_processes("", tmp_path) if p.name == "training-worker"]
    assert set(worker.variables) == {*processes.BASE, "DATA_DIR"}


def test_supervisor_passes_everything_on_and_names_itself(monkeypatch, tmp_path):
    monkeypatch.setenv(launcher.PARENT, "1")
    seen = launcher.environment(processes.supervisor(tmp_path).to_json())
    assert seen == dict(os.environ) | {launcher.PARENT: str(os.getpid())}


def test_process_whose_parent_died_first_does_not_start(monkeypatch):
    monkeypatch.setenv(launcher.PARENT, "1")
    with pytest.raises(SystemExit):
        launcher.die_with_parent(0)


def test_first_start_is_at_once_and_the_next_one_is_spaced(monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "START_INTERVAL_S", 0.3)
    started = time.monotonic()
    launcher.pause_after_crash(tmp_path / "web.started")
    assert time.monotonic() - started < 0.1
    launcher.pause_after_crash(tmp_path / "web.started")
    assert 0.25 < time.monotonic() - started < 1


def test_process_that_ran_for_a_while_is_started_again_at_once(monkeypatch, tmp_path):
    mark = tmp_path / "web.started"
    mark.touch()
    os.utime(mark, (0, time.time() - 60))
    started = time.monotonic()
    launcher.pause_after_crash(mark)
    assert time.monotonic() - started < 0.1
    assert time.time() - mark.stat().st_mtime < 5
