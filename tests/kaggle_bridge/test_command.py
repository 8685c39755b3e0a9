"""`manage.py kaggle`: what it does, what it prints, and exit codes that scripts can trust."""

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from kaggle_bridge import locks, runs
from kaggle_bridge.models import Account, Backend, RunState, TrainingRun
from league.models import AuditEntry
from tests.kaggle_bridge.course import (
    KEY,
    PROJECT,
    TOKEN,
    a_draft,
    drive,
    started,
    variables,
)
from tests.stack import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kaggle, pytest.mark.slow]
NO_CREDENTIALS = "There are no credentials for Kaggle. Set KAGGLE_API_TOKEN, or"


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()


def told(code, out, err):
    for secret in (KEY, TOKEN):
        assert secret not in out + err
    return Told(code, out, err)


def kaggle(*words) -> Told:
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("kaggle", *map(str, words), stdout=out, stderr=err)
    except SystemExit as ended:
        code = ended.code
    return told(code, out.getvalue(), err.getvalue())


@pytest.fixture
def environ(settings):
    """Of a shell that has this database and no credentials."""
    return {
        "PATH": os.environ["PATH"], "DATA_DIR": str(settings.DATA_DIR), "SECRET_KEY": "for tests",
        "DATABASE_URL": database_url(connection.settings_dict), "REDIS_URL": "redis://127.0.0.1:1",
        "TRAINING_POLL_SECONDS": "1", "TRAINING_CALLS_PER_MINUTE": "600",
    }  # fmt: skip


def shell(*words, env, **more):
    return subprocess.Popen(
        [sys.executable, "manage.py", "kaggle", *map(str, words)], cwd=PROJECT, env=env, text=True,
        stdout=subprocess.PIPE, **{"stderr": subprocess.PIPE, **more},
    )  # fmt: skip


def ended(process) -> Told:
    out, err = process.communicate(timeout=60)
    return told(process.returncode, out, err or "")


def without_credentials(monkeypatch):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)


# setup


def test_setup_says_whose_credentials_are_taken_and_what_is_left(serve):
    serve()
    found = kaggle("setup", "--username", "alice")
    assert (found.code, found.err) == (0, "")
    first, gpu, tpu, phone = found.lines
    assert first == (
        "credentials: those of KAGGLE_USERNAME and KAGGLE_KEY are taken, of the account alice"
    )
    assert gpu.startswith("gpu: 30.0 of 30 hours of this week left, anew at ")
    assert tpu.startswith("tpu: 20.0 of 20 hours of this week left")
    assert phone.startswith("phone number: cannot be seen from here")
    assert Account.objects.get(backend=Backend.KAGGLE).has_credentials


def test_setup_says_exactly_what_is_missing(serve, monkeypatch, settings):
    serve()
    monkeypatch.delenv("KAGGLE_KEY")
    found = kaggle("setup")
    assert (found.code, found.out) == (1, "")
    assert "KAGGLE_USERNAME is set, but KAGGLE_KEY is not." in found.err
    monkeypatch.delenv("KAGGLE_USERNAME")
    found = kaggle("setup")
    assert found.err.startswith(NO_CREDENTIALS)
    assert f"{settings.DATA_DIR}/kaggle" in found.err


def test_setup_tells_refused_credentials_from_a_service_that_does_not_answer(serve, monkeypatch):
    service = serve()
    call = "ListKernels"
    service.faults.add(call, "503")
    assert kaggle("setup").code == 75
    service.accounts["alice"].has_expired = True
    found = kaggle("setup")
    assert (found.code, found.out) == (1, "")
    assert "does not take the credentials (401)" in found.err


@pytest.mark.slow
def test_setup_notices_the_credentials_of_another_account(serve):
    serve()
    found = kaggle("setup", "--username", "bob")
    assert (found.code, found.err) == (1, "They are not of bob: set those of that account.\n")
    run = a_draft(kernel_ref="bob/palaestra-1-abcdef")
    found = kaggle("setup", "--run", run.pk)
    assert found.code == 1
    assert "is bob/palaestra-1-abcdef: only its owner's" in found.err


@pytest.mark.slow
def test_setup_warns_of_a_key_that_every_user_can_read(serve, monkeypatch, settings):
    serve()
    without_credentials(monkeypatch)
    folder = settings.DATA_DIR / "kaggle"
    folder.mkdir()
    file = folder / "kaggle.json"
    file.write_text(f'{{"username": "alice", "key": "{KEY}"}}')
    file.chmod(0o644)
    found = kaggle("setup")
    assert found.code == 0
    assert found.err == f"Warning: {file} can be read by every user of this machine: " + (
        f"chmod 600 {file}.\n"
    )


@pytest.mark.slow
def test_setup_goes_on_where_the_quota_is_not_told(serve):
    serve(tells_quota=False)
    found = kaggle("setup")
    assert found.code == 0
    assert "hours of this week: Kaggle does not tell; they are counted here." in found.lines


# new, push


def test_new_prints_the_number_of_a_draft(serve):
    serve()
    found = kaggle("new", "tictactoe", "--total-steps", 20480, "--set", "selfplay.games=128")
    run = TrainingRun.objects.get()
    assert (found.code, found.out) == (0, f"{run.pk}\n")
    assert (run.state, run.total_steps) == (RunState.DRAFT, 20480)
    assert run.config == {"selfplay.games": 128, "total_steps": 20480}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["chess"], "chess"),
        pytest.param(["tictactoe", "--set", "selfplay.gmes=3"], "gmes", marks=pytest.mark.slow),
        (["tictactoe", "--set", "seed"], "--set wants key=value, not 'seed'."),
        pytest.param(
            ["tictactoe", "--competition", "none"],
            "There is no competition 'none'.",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_new_refuses_what_cannot_be_in_one_sentence(words, sentence):
    found = kaggle("new", *words)
    assert (found.code, found.out) == (1, "")
    assert sentence in found.err
    assert found.err.count("\n") == 1
    assert not TrainingRun.objects.exists()


def test_push_sends_a_draft_once_and_says_where_it_is(serve):
    service = serve("all", queue_s=60)
    run = a_draft()
    found = kaggle("push", "--run", run.pk)
    run.refresh_from_db()
    assert (found.code, found.err) == (0, "")
    state, url = found.lines
    assert state == f"{run}: QUEUED, session 1 of at most 5, step 0 of 400."
    assert url == run.sessions.get().kernel_url
    again = kaggle("push", "--run", run.pk)
    assert (again.code, again.err) == (1, f"There is nothing to push. {state}\n")
    assert len(service.journal.of("SaveKernel")) == 1


def test_push_without_credentials_leaves_the_run_as_it_is(serve, monkeypatch):
    serve()
    without_credentials(monkeypatch)
    run = a_draft()
    for words in (("push",), ("run", "--push-first")):
        found = kaggle(*words, "--run", run.pk)
        assert found.code == 1
        assert found.err.startswith(NO_CREDENTIALS)
    run.refresh_from_db()
    assert (run.state, run.troubles, run.note) == (RunState.DRAFT, 0, "")


@pytest.mark.slow
def test_push_says_not_now_where_the_quota_is_used_up(serve):
    service = serve(quota_s={"gpu": 0.0, "tpu": 0.0})
    run = a_draft(accelerator="gpu")
    found = kaggle("push", "--run", run.pk)
    assert found.code == 75
    (line,) = found.lines
    assert f"goes on at {service.options.quota_resets_at:%Y-%m-%d} 00:0" in line
    assert "GPU of this week are used up" in line
    service.options.quota_s["gpu"] = 3600.0
    assert kaggle("push", "--run", run.pk).code == 0


def test_push_says_not_now_where_no_answer_comes_and_goes_on_when_repeated(serve):
    service = serve("all", queue_s=60)
    service.faults.add("SaveKernel", "503")
    run = a_draft()
    found = kaggle("push", "--run", run.pk)
    assert found.code == 75
    assert "Kaggle failed (503)" in found.out
    assert "Tried 1 time in a row" in found.out
    assert kaggle("push", "--run", run.pk).code == 0


@pytest.mark.slow
def test_push_fails_where_the_service_refuses(serve):
    service = serve()
    service.faults.add("SaveKernel", "403", message="Phone verification is required")
    found = kaggle("push", "--run", a_draft().pk)
    assert found.code == 1
    assert "Phone verification is required" in found.out


@pytest.mark.slow
def test_push_waits_while_another_process_is_at_it(serve):
    service = serve("all", queue_s=60)
    run = started()
    with locks.held(run.pk) as is_mine:
        assert is_mine
        pushing = threading.Timer(1.0, lambda: None)
        pushing.start()
        code = {}
        command = threading.Thread(target=lambda: code.update(told=kaggle("push", "--run", run.pk)))
        command.start()
        pushing.join()
        assert command.is_alive()
        assert kaggle("status", "--run", run.pk).code == 0
        assert len(service.journal.of("SaveKernel")) == 0
    command.join(30)
    assert code["told"].code == 0
    assert len(service.journal.of("SaveKernel")) == 1


@pytest.mark.slow
def test_push_from_a_shell_without_credentials_leaves_it_to_the_league(serve, environ):
    service = serve("all", queue_s=60)
    Account.objects.create(
        backend=Backend.KAGGLE, owner="alice", has_credentials=True, seen_at=timezone.now()
    )
    run = started()
    process = shell("push", "--run", run.pk, env=environ)
    time.sleep(2.5)
    drive(run, until=lambda run: run.state == RunState.QUEUED)  # as the league does
    assert ended(process).code == 0
    run.refresh_from_db()
    assert (run.troubles, len(service.journal.of("SaveKernel"))) == (0, 1)


@pytest.mark.slow
def test_a_notebook_is_a_run_of_its_own(serve):
    service = serve("all", queue_s=60)
    run = a_draft()
    found = kaggle("push", "--run", run.pk, "--notebook")
    assert (found.code, "add --new" in found.err) == (1, True)
    found = kaggle("push", "--run", run.pk, "--new", "--notebook")
    copy = TrainingRun.objects.exclude(pk=run.pk).get()
    assert (found.code, copy.is_notebook) == (0, True)
    (pushed,) = service.journal.of("SaveKernel")
    assert pushed.json["kernelType"] == "notebook"
    run.refresh_from_db()
    assert run.state == RunState.DRAFT


# run, status


@pytest.mark.slow
def test_run_follows_to_the_end(serve):
    serve("half", "all")
    run = a_draft()
    found = kaggle("run", "--run", run.pk)
    assert (found.code, "add --push-first" in found.err) == (1, True)
    found = kaggle("run", "--run", run.pk, "--push-first")
    assert (found.code, found.err) == (0, "")
    assert found.lines[-1] == f"{run}: COMPLETE, session 2 of at most 5, step 400 of 400."
    assert any(
        "WAITING, session 1 of at most 5 TIMED_OUT, step 200" in line for line in found.lines
    )
    assert kaggle("run", "--run", run.pk).lines == found.lines[-1:]


@pytest.mark.slow
def test_run_ends_with_1_where_the_run_fails_and_with_3_where_it_was_cancelled(serve):
    serve("failed")
    run = a_draft()
    found = kaggle("run", "--run", run.pk, "--push-first")
    assert found.code == 1
    assert found.lines[-1].endswith("As it was planned.")
    assert kaggle("status", "--run", run.pk).code == 1
    other = started()
    runs.cancel(other, None, "enough")
    for verb in ("run", "status"):
        found = kaggle(verb, "--run", other.pk)
        assert (found.code, "Cancelled: enough." in found.out) == (3, True)


@pytest.mark.slow
def test_a_failed_run_is_tried_again_by_push(serve):
    serve("half", "all")
    run = a_draft(max_sessions=1)
    assert kaggle("run", "--run", run.pk, "--push-first").code == 1
    assert kaggle("run", "--run", run.pk, "--push-first").code == 0
    assert AuditEntry.objects.filter(action="retry").count() == 1


def test_an_unknown_run_is_named_with_those_there_are():
    found = kaggle("status", "--run", 7)
    assert (found.code, found.err) == (1, "There is no run 7; the newest are none yet.\n")
    run = a_draft()
    assert f"the newest are {run.pk}." in kaggle("download", "--run", run.pk + 1).err


@pytest.mark.slow
def test_status_keeps_to_the_pauses_that_troubles_have_earned(serve):
    service = serve("slow")
    run = drive(started(), until=lambda run: run.state == RunState.RUNNING)
    run.keep(due_at=timezone.now() + timedelta(minutes=5), troubles=2, note="Kaggle failed.")
    before = len(service.journal.entries)
    found = kaggle("status", "--run", run.pk)
    assert (found.code, "Kaggle failed. Tried 2 times in a row." in found.out) == (75, True)
    assert len(service.journal.entries) == before


@pytest.mark.slow
def test_status_watches_in_plain_lines_at_the_interval(serve, environ):
    service = serve("slow")
    run = started()
    env = variables(service, **environ)
    process = shell("status", "--watch", "--interval", 1, "--run", run.pk, env=env)
    first, began = process.stdout.readline(), time.monotonic()
    assert first.startswith(f"{run}: ")  # at once, though it is a pipe
    found = ended(process)
    assert (found.code, found.err) == (0, "")
    steps = [line.partition(", step ")[2] for line in found.lines]
    assert steps[-1] == "400 of 400."
    assert len(set(found.lines)) == len(found.lines)
    assert len(found.lines) <= (time.monotonic() - began) + 1


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar_of_steps(serve, environ):
    service = serve("all")
    run = drive(started(), until=lambda run: run.state == RunState.RUNNING or run.ended)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    env = variables(service, **environ)
    process = shell("run", "--run", run.pk, env=env, stderr=theirs)
    os.close(theirs)
    found = ended(process)
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    assert found.code == 0
    assert "400/400" in drawn
    assert all(", step " not in line for line in found.lines)


def test_ctrl_c_leaves_the_run_alone(serve, environ):
    service = serve("slow", queue_s=60)
    run = a_draft()
    env = variables(service, **environ)
    process = shell("run", "--push-first", "--run", run.pk, env=env, start_new_session=True)
    while "QUEUED" not in process.stdout.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)
    found = ended(process)
    assert found.code == 130
    assert found.err == "Stopped. Runs go on while the league runs, or with this command again.\n"
    run.refresh_from_db()
    assert (run.state, run.troubles) == (RunState.QUEUED, 0)
    with locks.held(run.pk) as is_mine:
        assert is_mine


@pytest.mark.parametrize(
    "words",
    [
        ["status", "--run", "1", "--interval", "0"],
        *(
            pytest.param(words, marks=pytest.mark.slow)
            for words in ([], ["status"], ["push", "--run", "one"])
        ),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(words, environ):
    found = ended(shell(*words, env=environ))
    assert (found.code, found.out) == (2, "")
    assert "usage: manage.py kaggle" in found.err


# download


@pytest.mark.slow
def test_download_fetches_all_and_says_how_to_go_on(serve, tmp_path, monkeypatch):
    serve("half", queue_s=0)
    run = drive(started(max_sessions=1))
    monkeypatch.chdir(tmp_path)
    found = kaggle("download", "--run", run.pk)
    assert (found.code, found.err) == (0, "")
    *files, how = found.lines
    assert [line.split()[1] for line in files] == [
        "checkpoints/step_100.safetensors", "checkpoints/step_200.safetensors", "manifest.json",
        "metrics.jsonl", f"{run.kernel_ref.partition('/')[2]}.log", "result.json",
        "resume/step_200.safetensors",
    ]  # fmt: skip
    assert how.endswith(
        "python -m training run kaggle_output/config.json --out kaggle_output/resume "
        "--set device=any"
    )
    found = kaggle("download", "--run", run.pk)
    assert (found.code, found.err) == (1, "kaggle_output is not empty: give another folder.\n")


@pytest.mark.slow
def test_download_that_breaks_off_leaves_nothing_and_can_be_repeated(serve, tmp_path):
    service = serve("half")
    run = drive(started(max_sessions=1))
    service.faults.add("Download", "503", name="manifest.json", times=9)
    words = ("download", "--run", run.pk, "--output-dir", tmp_path / "out")
    found = kaggle(*words)
    assert (found.code, list((tmp_path / "out").iterdir())) == (75, [])
    service.faults.clear()
    assert kaggle(*words).code == 0


@pytest.mark.slow
def test_download_of_what_is_not_there_says_so(serve, tmp_path):
    serve("slow", queue_s=60)
    run = a_draft()
    words = ("download", "--run", run.pk, "-o", tmp_path / "out")
    found = kaggle(*words)
    assert (found.code, found.err) == (1, "No session of this run was ever sent.\n")
    assert kaggle("push", "--run", run.pk).code == 0
    found = kaggle(*words)
    assert (found.code, found.err) == (75, "Session 1 has left nothing yet.\n")
