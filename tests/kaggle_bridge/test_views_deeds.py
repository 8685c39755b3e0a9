"""Cancelling, trying again, bringing in by hand, taking a file: organisers only."""

import hashlib

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kaggle_bridge import store
from league.models import AuditEntry
from tests.factories import make_staff, make_user
from tests.kaggle_bridge import hand_made
from tests.kaggle_bridge.rows import add_checkpoint, add_session, make_run

pytestmark = pytest.mark.django_db
DEEDS = ("training-start", "training-cancel", "training-retry", "training-bring")


@pytest.fixture
def carol(client):
    carol = make_staff()
    client.force_login(carol)
    return carol


def post(client, name, run, **data):
    return client.post(reverse(name, args=[run.pk]), data)


def page_of(client, run):
    return client.get(run.get_absolute_url()).text


@pytest.mark.parametrize("name", DEEDS)
def test_only_organisers_may(client, name):
    run = make_run()
    assert post(client, name, run).status_code == 403
    dave = make_user("dave", is_staff=True)
    client.force_login(dave)
    assert post(client, name, run).status_code == 403
    run.refresh_from_db()
    assert run.state == "RUNNING"


@pytest.mark.parametrize("name", DEEDS)
def test_looking_changes_nothing(client, carol, name):
    assert client.get(reverse(name, args=[make_run().pk])).status_code == 405


def test_who_may_not_sees_no_deeds(client):
    run = make_run()
    add_checkpoint(run, 1000)
    page = page_of(client, run)
    assert "For organisers" not in page
    assert "/checkpoints/" not in page


def test_who_has_the_right_sees_them(client):
    erin = make_user("erin", is_staff=True)
    erin.user_permissions.add(Permission.objects.get(codename="add_trainingrun"))
    client.force_login(erin)
    run = make_run()
    assert reverse("training-cancel", args=[run.pk]) in page_of(client, run)


def test_a_draft_is_started_and_nothing_else_is(client, carol):
    run = make_run("DRAFT")
    assert "Start it" in page_of(client, run)
    assert post(client, "training-start", run).url == run.get_absolute_url()
    run.refresh_from_db()
    assert (run.state, run.sessions.count()) == ("PUSHING", 1)
    assert post(client, "training-start", run).status_code == 409


def test_a_run_is_cancelled_for_a_reason(client, carol):
    run = make_run()
    session = add_session(run)
    answer = post(client, "training-cancel", run, reason=" wrong preset ")
    assert answer.url == run.get_absolute_url()
    run.refresh_from_db()
    session.refresh_from_db()
    assert (run.state, session.state) == ("CANCELLED", "CANCELLED")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == (carol, "cancel", "wrong preset")
    assert "wrong preset" in page_of(client, run)


def test_what_can_and_cannot_be_stopped_is_said_before(client, carol):
    there = make_run(backend="kaggle", session_s=7200)
    add_session(there, kernel_url="https://www.kaggle.com/code/alice/x", kernel_version=1)
    page = page_of(client, there)
    assert "cannot be stopped from here: its own deadline ends it, at most 2 h after" in page
    assert 'href="https://www.kaggle.com/code/alice/x" rel="noreferrer">Stop it there' in page
    assert "stopped within seconds" in page_of(client, make_run())


def test_what_is_over_cannot_be_cancelled(client, carol):
    run = make_run("IMPORTED")
    assert reverse("training-cancel", args=[run.pk]) not in page_of(client, run)
    assert post(client, "training-cancel", run).status_code == 409


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_run_that_was_cut_short_is_tried_again(client, carol, state):
    run = make_run(state)
    add_session(run, "FAILED")
    add_checkpoint(run, 100_000)
    assert "In a new session, from the beginning" not in page_of(client, run)
    assert post(client, "training-retry", run).status_code == 302
    run.refresh_from_db()
    assert (run.state, run.sessions.count()) == ("PUSHING", 2)


def test_one_with_all_its_steps_is_not_said_to_train_again(client, carol):
    run = make_run("FAILED")
    add_checkpoint(run, run.total_steps)
    assert "what is left to enter is tried again" in page_of(client, run)


def test_a_running_one_is_not_tried_again(client, carol):
    run = make_run()
    assert reverse("training-retry", args=[run.pk]) not in page_of(client, run)
    assert post(client, "training-retry", run).status_code == 409


def test_a_checkpoint_is_brought_in_by_hand_and_taken_out_again(client, carol, tmp_path):
    run = hand_made.make_run(state="FAILED")
    content = hand_made.write_checkpoint(tmp_path / "step_100.safetensors").read_bytes()
    for message in ("1 new checkpoint taken in.", "Everything in it was here already."):
        file = SimpleUploadedFile("step_100.safetensors", content)
        answer = post(client, "training-bring", run, file=file)
        assert answer.status_code == 302, answer.text
        assert message in page_of(client, run)
    checkpoint = run.checkpoints.get()
    assert (checkpoint.step, checkpoint.session) == (100, None)
    address = reverse("training-checkpoint", args=[run.pk, 100])
    assert address in page_of(client, run)
    taken = client.get(address)
    assert b"".join(taken.streaming_content) == content
    assert f"run_{run.pk}_step_100.safetensors" in taken["Content-Disposition"]


def test_what_is_no_checkpoint_is_refused_with_a_sentence(client, carol):
    run = make_run()
    for name, content in (("x.exe", b"MZ"), ("step_1.safetensors", b"\0" * 64)):
        answer = post(client, "training-bring", run, file=SimpleUploadedFile(name, content))
        assert answer.status_code == 400
        assert "." in answer.text
    assert post(client, "training-bring", run).status_code == 400
    assert not run.checkpoints.exists()


def test_an_upload_may_be_larger_than_a_form_but_not_than_any_upload(client, carol):
    """Too large is judged by its declared length, before it is read."""
    run = make_run()
    file = SimpleUploadedFile("x.exe", b"0" * 2 * 2**20)
    assert post(client, "training-bring", run, file=file).status_code == 400
    length = str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    url = reverse("training-bring", args=[run.pk])
    assert client.post(url, CONTENT_LENGTH=length).status_code == 413


def test_a_checkpoint_is_for_organisers_only(client):
    run = make_run()
    checkpoint = add_checkpoint(run, 100, sha256=hashlib.sha256(b"weights").hexdigest())
    address = reverse("training-checkpoint", args=[run.pk, 100])
    assert client.get(address).status_code == 403
    client.force_login(make_staff())
    assert client.get(address).status_code == 404  # its file is gone
    path = store.path(checkpoint.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"weights")
    assert b"".join(client.get(address).streaming_content) == b"weights"
    assert client.get(reverse("training-checkpoint", args=[run.pk, 101])).status_code == 404
