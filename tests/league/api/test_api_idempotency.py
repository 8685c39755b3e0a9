"""Idempotency-Key: one key, one result, however often and however close together it is sent."""

import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import JsonResponse
from django.test import RequestFactory
from django.utils import timezone

from league import idempotency
from league.models import IdempotencyRecord, Submission
from tests.factories import make_competition, make_entrant, make_user
from tests.league.api.calls import Caller, fault

pytestmark = pytest.mark.django_db
SUBMIT = "/competitions/connectx/submissions"
URL = {"url": "https://agents.example.org/act"}
KEY = {"Idempotency_Key": "first-try"}


def test_same_key_answers_with_the_first_result(alice, connectx):
    first, again = (alice.post(SUBMIT, URL, **KEY) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Submission.objects.count() == 1


def test_without_a_key_every_post_counts(alice, connectx):
    first, again = (alice.post(SUBMIT, URL) for _ in range(2))
    assert first.json()["id"] != again.json()["id"]


def test_form_sent_again_is_the_same_though_its_boundary_differs(alice, connectx):
    def send(content: bytes):
        upload = SimpleUploadedFile("agent.py", content)
        boundary = f"boundary-{len(IdempotencyRecord.objects.all())}"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="agent.py"'
            f"\r\n\r\n{upload.read().decode()}\r\n--{boundary}--\r\n"
        )
        return alice.post(SUBMIT, body, f"multipart/form-data; boundary={boundary}", **KEY)

    first, again, other = send(b"def a(o): 1"), send(b"def a(o): 1"), send(b"def a(o): 2")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert fault(other) == (409, "key_reused")


def test_upload_is_whole_after_its_hash_was_taken(alice, connectx):
    content = b"def agent(o):\n    return 0\n" + b"#" * 3_000_000
    upload = SimpleUploadedFile("agent.py", content)
    answer = alice.send_file(SUBMIT, file=upload, key="big")
    assert answer.status_code == 201
    assert Submission.objects.get().size_bytes == len(content)


def test_same_key_with_another_body_is_a_conflict(alice, connectx):
    alice.post(SUBMIT, URL, **KEY)
    other = alice.post(SUBMIT, {"source": "x = 1"}, **KEY)
    assert fault(other) == (409, "key_reused")
    assert Submission.objects.count() == 1


def test_key_is_scoped_to_user_and_path(alice, bob, connectx):
    make_competition("tictactoe", environment="tictactoe")
    answers = [
        alice.post(SUBMIT, URL, **KEY),
        bob.post(SUBMIT, URL, **KEY),
        alice.post("/competitions/tictactoe/submissions", URL, **KEY),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3


def test_refusal_is_kept_too(alice, connectx):
    first = alice.post(SUBMIT, {"url": "nowhere"}, **KEY)
    again = alice.post(SUBMIT, {"url": "nowhere"}, **KEY)
    assert fault(first) == fault(again) == (400, "bad_url")
    assert again["Idempotency-Replayed"] == "true"


def test_retiring_twice_with_one_key_is_one_success(alice, connectx):
    path = f"/submissions/{make_entrant(connectx, alice.user).submission_id}/retire"
    assert [alice.post(path, **KEY).status_code for _ in range(2)] == [200, 200]
    assert fault(alice.post(path))[0] == 409


def test_token_that_may_not_post_claims_no_key(alice, connectx):
    assert Caller("alice", scope="read").post(SUBMIT, URL, **KEY).status_code == 403
    assert alice.post(SUBMIT, URL, **KEY).status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 201, "schlüssel", "two\tparts"])
def test_bad_key_is_refused(alice, connectx, key):
    assert fault(alice.post(SUBMIT, URL, Idempotency_Key=key)) == (400, "bad_key")
    assert not Submission.objects.exists()


def test_key_at_an_endless_path_changes_nothing(alice):
    assert fault(alice.post(f"/competitions/{'x' * 300}/submissions", URL, **KEY))[0] == 404


def test_kept_for_a_day(alice, connectx):
    first = alice.post(SUBMIT, URL, **KEY)
    IdempotencyRecord.objects.update(created=timezone.now() - idempotency.KEPT)
    later = alice.post(SUBMIT, URL, **KEY)
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]


def test_purge_deletes_what_is_older_than_a_day(alice, connectx):
    alice.post(SUBMIT, URL, Idempotency_Key="old")
    IdempotencyRecord.objects.update(created=timezone.now() - timedelta(days=1, seconds=1))
    alice.post(SUBMIT, URL, Idempotency_Key="new")
    assert idempotency.purge() == 1
    assert IdempotencyRecord.objects.get().key == "new"


def request_with_key():
    headers = {"Idempotency-Key": "k"}
    return RequestFactory().post("/api/v1/x", b"{}", "application/json", headers=headers)


def test_our_fault_is_not_kept():
    user = make_user()
    failed = idempotency.answer_once(
        request_with_key(), user, lambda: JsonResponse({"error": "x"}, status=503)
    )
    worked = idempotency.answer_once(
        request_with_key(), user, lambda: JsonResponse({"id": 1}, status=201)
    )
    assert (failed.status_code, worked.status_code) == (503, 201)


def test_work_that_raises_leaves_no_claim():
    def fail():
        raise RuntimeError("broken")

    user = make_user()
    with pytest.raises(RuntimeError):
        idempotency.answer_once(request_with_key(), user, fail)
    assert not IdempotencyRecord.objects.exists()


def test_claim_of_a_killed_process_is_taken_over():
    user = make_user()
    fingerprint = idempotency.body_fingerprint(request_with_key())
    idempotency.claim(user, "/api/v1/x", "k", fingerprint)
    IdempotencyRecord.objects.update(created=timezone.now() - idempotency.ABANDONED)
    answer = idempotency.answer_once(request_with_key(), user, lambda: JsonResponse({"id": 1}))
    assert answer.status_code == 200


def test_who_waits_too_long_is_told_that_it_is_in_progress(monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT_S", 0.1)
    user = make_user()
    fingerprint = idempotency.body_fingerprint(request_with_key())
    idempotency.claim(user, "/api/v1/x", "k", fingerprint)
    with pytest.raises(idempotency.Conflict) as caught:
        idempotency.answer_once(request_with_key(), user, lambda: JsonResponse({"id": 1}))
    assert caught.value.code == "in_progress"


def all_at_once(body: dict[str, str], **headers: str) -> list:
    """Four answers to the same POST of alice, sent at the same instant."""
    make_competition("connectx")
    callers = [Caller("alice") for _ in range(4)]
    start = threading.Barrier(len(callers))
    answers = []

    def send(caller: Caller) -> None:
        start.wait()
        answers.append(caller.post(SUBMIT, body, **headers))
        connection.close()

    threads = [threading.Thread(target=send, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_one_key_at_the_same_instant_makes_one_submission():
    answers = all_at_once(URL, **KEY)
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Submission.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_same_upload_at_the_same_instant_is_one_submission_without_a_key_too():
    answers = all_at_once({"source": "def a(o): 0"})
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert Submission.objects.count() == 1


@pytest.mark.parametrize("path", ["/nothing/%00", "/nothing/" + "a" * 200])
def test_an_address_that_no_database_holds_is_answered_without_a_record(alice, path):
    answers = [alice.post(path, URL, **KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert not IdempotencyRecord.objects.exists()
