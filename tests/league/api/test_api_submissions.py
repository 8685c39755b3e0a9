"""Sending an agent in by API: three forms, who sees what, logs, taking it back."""

import hashlib
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from league import storage
from league.models import Submission
from tests.factories import make_entrant, make_staff, make_submission
from tests.league.api.calls import API, Caller, fault, make_episode

pytestmark = pytest.mark.django_db
CODE = "def agent(observation, configuration):\n    return 0\n"
SUBMIT = "/competitions/connectx/submissions"


def file(name: str = "agent.py", content: bytes = CODE.encode()) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_file_is_taken_in(alice, connectx):
    response = alice.send_file(SUBMIT, file=file(), description="my first")
    assert response.status_code == 201
    answer = response.json()
    assert answer["kind"] == "file"
    assert answer["status"] == "PENDING"
    assert answer["description"] == "my first"
    assert answer["sha256"] == hashlib.sha256(CODE.encode()).hexdigest()
    assert storage.upload_path(answer["sha256"]).read_bytes() == CODE.encode()
    assert Submission.objects.get().team.name == "alice"


def test_bundle_and_source_are_taken_in(alice, connectx):
    bundle = alice.send_file(SUBMIT, file=file("agent.tar.gz", b"not opened here"))
    source = alice.post(SUBMIT, {"source": CODE, "description": "pasted"})
    assert (bundle.status_code, bundle.json()["kind"]) == (201, "bundle")
    assert (source.status_code, source.json()["kind"]) == (201, "source")


def test_url_is_taken_in_and_shown_to_its_owner_only(alice, bob, anyone, connectx):
    url = "https://agents.example.org/act"
    created = alice.post(SUBMIT, {"url": url})
    assert (created.status_code, created.json()["url"]) == (201, url)
    path = f"/submissions/{created.json()['id']}"
    staff = Caller(make_staff().username)
    assert alice.get(path).json()["url"] == staff.get(path).json()["url"] == url
    for stranger in (bob, anyone):
        answer = stranger.get(path).json()
        assert (answer["url"], answer["sha256"], answer["kind"]) == (None, None, "url")


def test_same_bytes_answer_with_the_first_submission(alice, bob, connectx):
    first = alice.post(SUBMIT, {"source": CODE})
    again = alice.send_file(SUBMIT, file=file())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert bob.post(SUBMIT, {"source": CODE}).status_code == 201


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, "missing_file"),
        ({"agent": file()}, "missing_file"),
        ({"file": [file(), file("b.py")]}, "missing_file"),
        ({"file": "only text"}, "missing_file"),
        ({"file": file(), "extra": "x"}, "unknown_field"),
        ({"file": file(), "description": "d" * 201}, "invalid_field"),
        ({"file": file("agent.txt")}, "bad_extension"),
        ({"file": file("agent")}, "bad_extension"),
        ({"file": file(content=b"")}, "empty_upload"),
    ],
)
def test_bad_form_is_refused_and_leaves_nothing_behind(alice, connectx, parts, code):
    response = alice.send_file(SUBMIT, **parts)
    assert fault(response) == (400, code)
    assert not Submission.objects.exists()


def test_file_over_the_limit_is_refused(alice, connectx, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    response = alice.send_file(SUBMIT, file=file(content=b"#" * 1001))
    assert fault(response) == (413, "too_large")
    assert not Submission.objects.exists()


def test_what_must_be_opened_is_judged_later(alice, connectx):
    picture = alice.send_file(SUBMIT, file=file(content=b"\x89PNG\r\n\x1a\n" + bytes(100)))
    assert picture.status_code == 201


def test_daily_limit(alice, connectx):
    for number in range(5):
        assert alice.post(SUBMIT, {"source": f"{CODE}# {number}"}).status_code == 201
    limits = alice.get("/competitions/connectx").json()["limits"]
    assert (limits["used_today"], limits["left_today"]) == (5, 0)
    assert fault(alice.post(SUBMIT, {"source": CODE})) == (429, "daily_limit")


def test_after_the_deadline_nothing_is_taken(alice, connectx):
    connectx.deadline = timezone.now()
    connectx.opens_at = connectx.deadline - timedelta(days=1)
    connectx.save()
    assert fault(alice.post(SUBMIT, {"source": CODE})) == (403, "submissions_closed")


def test_submission_tells_how_it_fares(anyone, connectx):
    entrant = make_entrant(
        connectx, elo=1100.0, se=50.0, rank=3, matches=10, wins=6, draws=1, losses=3
    )
    answer = anyone.get(f"/submissions/{entrant.submission_id}").json()
    assert (answer["rating"], answer["rating_low"], answer["rating_high"]) == (1100, 1002, 1198)
    record = [answer[key] for key in ("rank", "matches", "wins", "draws", "losses")]
    assert record == [3, 10, 6, 1, 3]


def test_unrated_submission_has_no_rating(anyone, connectx):
    submission = make_submission(connectx, status="VALIDATING")
    answer = anyone.get(f"/submissions/{submission.pk}").json()
    assert answer["rating"] is answer["rating_low"] is answer["rank"] is None
    assert answer["matches"] == answer["wins"] == answer["draws"] == answer["losses"] == 0
    assert [stage["name"] for stage in answer["stages"]][:2] == ["received", "unpacked"]


def test_rejected_submission_gives_advice_to_all_and_the_traceback_to_its_owner(
    alice, bob, connectx
):
    submission = make_submission(
        connectx, alice.user, "REJECTED", verdict="exception",
        verdict_message="Your agent raised an exception.", verdict_detail="Traceback …",
    )  # fmt: skip
    mine, theirs = (who.get(f"/submissions/{submission.pk}").json() for who in (alice, bob))
    assert mine["verdict"] == theirs["verdict"] == "exception"
    assert theirs["advice"].startswith("Read the traceback")
    assert (mine["verdict_detail"], theirs["verdict_detail"]) == ("Traceback …", None)


def test_owner_reads_logs_by_episode_and_step(alice, episode):
    submission = episode.seats.get(number=0).submission
    newer = make_episode(episode.match, number=1)
    answer = alice.get(f"/submissions/{submission.pk}/logs").json()
    assert answer["count"] == 2
    assert [item["episode"] for item in answer["items"]] == [newer.pk, episode.pk]
    step = answer["items"][0]["steps"][0]
    unknown = dict.fromkeys(("wall", "cpu", "delay", "think"))
    printed = {"step": 1, "stdout": "hello\n", "stderr": ""}
    assert step == {**printed, "seconds": 0.01, "bank_left": 60.0, **unknown}


def test_logs_of_one_episode_come_in_the_form_of_a_replay_too(bob, episode):
    submission = episode.seats.get(number=1).submission
    make_episode(episode.match, number=1)
    answer = bob.get(f"/submissions/{submission.pk}/logs?episode={episode.pk}").json()
    assert [item["episode"] for item in answer["items"]] == [episode.pk]
    assert len(answer["logs"]) == episode.steps
    assert answer["logs"][1] == [{}, {"duration": 0.01, "stdout": "hello\n", "stderr": ""}]


def test_logs_are_nobody_elses(bob, anyone, episode):
    submission = episode.seats.get(number=0).submission
    for stranger in (bob, anyone, Caller(make_staff().username)):
        assert fault(stranger.get(f"/submissions/{submission.pk}/logs")) == (404, "not_found")


def test_owner_retires_a_submission(alice, connectx):
    submission = make_entrant(connectx, alice.user, rank=1).submission
    answer = alice.post(f"/submissions/{submission.pk}/retire")
    assert (answer.status_code, answer.json()["status"]) == (200, "RETIRED")
    assert answer.json()["rank"] is None
    assert fault(alice.post(f"/submissions/{submission.pk}/retire"))[0] == 409


def test_another_users_submission_cannot_be_retired(bob, anyone, alice, connectx):
    submission = make_entrant(connectx, alice.user).submission
    path = f"/submissions/{submission.pk}/retire"
    assert fault(bob.post(path)) == (403, "not_owner")
    assert fault(anyone.post(path)) == (401, "not_logged_in")
    alice.client.force_login(alice.user)
    assert alice.client.post(API + path).status_code == 401
    submission.refresh_from_db()
    assert submission.status == "ACTIVE"
