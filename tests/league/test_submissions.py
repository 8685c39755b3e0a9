"""Submitting: what is refused at once, what is taken, and what ends a submission."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from league import entrants, submissions
from league.errors import Conflict, Forbidden, LeagueError, LimitReached, TooLarge
from league.models import AuditEntry, Entrant, Submission
from league.storage import upload_path
from league.submissions import Upload, submit
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_staff,
    make_submission,
    make_user,
)

pytestmark = pytest.mark.django_db
SOURCE = "def agent(obs, config):\n    return 0\n"


def test_source_is_stored_under_its_hash_and_waits_for_validation() -> None:
    receipt = submit(make_competition(), make_user(), Upload.from_source(SOURCE), "first try")
    submission = receipt.submission
    assert receipt.created
    assert (submission.status, submission.kind, submission.description) == (
        "PENDING", "source", "first try",
    )  # fmt: skip
    assert upload_path(submission.sha256).read_text() == SOURCE


@pytest.mark.parametrize(
    ("filename", "kind"), [("a.py", "file"), ("A.ZIP", "bundle"), ("x.tar.gz", "bundle")]
)
def test_the_extension_says_the_kind(filename: str, kind: str) -> None:
    assert Upload.from_file(filename, b"x").kind == kind


@pytest.mark.parametrize("filename", ["agent.txt", "agent", "agent.tar.bz2", "agent.py.exe", ""])
def test_another_extension_is_refused(filename: str) -> None:
    with pytest.raises(LeagueError, match=r"\.py") as error:
        Upload.from_file(filename, b"x")
    assert (error.value.status, error.value.code) == (400, "bad_extension")


@pytest.mark.parametrize(
    "build", [lambda: Upload.from_file("a.py", b""), lambda: Upload.from_source("  \n")]
)
def test_an_empty_upload_is_refused(build) -> None:
    with pytest.raises(LeagueError) as error:
        build()
    assert error.value.code == "empty_upload"


def test_an_upload_over_the_limit_is_refused(settings) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    with pytest.raises(TooLarge):
        Upload.from_file("a.py", b"x" * 1001)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "example.org", "javascript:alert(1)", "http://", "http://a:b@c.org/",
        "http://example.org/" + "a" * 500,
    ],
)  # fmt: skip
def test_a_url_that_is_not_http_or_too_long_is_refused(url: str) -> None:
    with pytest.raises(LeagueError) as error:
        Upload.from_url(url)
    assert error.value.code == "bad_url"


def test_the_same_bytes_answer_with_the_first_submission() -> None:
    competition, alice = make_competition(), make_user()
    first = submit(competition, alice, Upload.from_source(SOURCE))
    second = submit(competition, alice, Upload.from_file("other.py", SOURCE.encode()))
    assert (second.submission, second.created) == (first.submission, False)
    bob = submit(competition, make_user("bob"), Upload.from_source(SOURCE))
    assert bob.created


def test_the_same_url_may_be_submitted_again() -> None:
    competition, alice = make_competition(), make_user()
    upload = Upload.from_url("https://agents.example.org/act")
    assert submit(competition, alice, upload).created
    assert submit(competition, alice, upload).created


def test_the_daily_limit_holds_and_does_not_count_faults_of_ours() -> None:
    competition, alice = make_competition(daily_limit=2), make_user()
    make_submission(competition, alice, "REJECTED", verdict="platform_fault")
    submit(competition, alice, Upload.from_source(SOURCE))
    submit(competition, alice, Upload.from_source(SOURCE + "#2"))
    with pytest.raises(LimitReached) as error:
        submit(competition, alice, Upload.from_source(SOURCE + "#3"))
    assert (error.value.status, error.value.code) == (429, "daily_limit")
    assert not upload_path(Upload.from_source(SOURCE + "#3").sha256).exists()
    assert submissions.limits(competition, alice).left_today == 0


@pytest.mark.parametrize(
    ("opens", "deadline", "closes"), [(1, None, None), (-3, -1, None), (-3, -2, -1)]
)
def test_submissions_are_taken_only_while_open(opens, deadline, closes) -> None:
    now = timezone.now()
    dates = [hours and now + timedelta(hours=hours) for hours in (opens, deadline, closes)]
    competition = make_competition(opens_at=dates[0], deadline=dates[1], closes_at=dates[2])
    with pytest.raises(Forbidden) as error:
        submit(competition, make_user(), Upload.from_source(SOURCE))
    assert error.value.code == "submissions_closed"
    assert not Submission.objects.exists()


def test_the_opening_is_named_as_people_write_dates() -> None:
    opens = datetime(2031, 5, 1, 9, 30, tzinfo=UTC)
    competition = make_competition(opens_at=opens)
    with pytest.raises(Forbidden, match=r"^Submissions open on 1 May 2031 at 09:30 UTC\.$"):
        submit(competition, make_user(), Upload.from_source(SOURCE))


def test_the_deadline_is_judged_at_arrival() -> None:
    now = timezone.now()
    competition = make_competition(opens_at=now - timedelta(days=1), deadline=now)
    receipt = submit(
        competition, make_user(), Upload.from_source(SOURCE), arrived=now - timedelta(seconds=5)
    )
    assert receipt.created


def test_url_agents_can_be_switched_off() -> None:
    competition = make_competition(allow_urls=False)
    with pytest.raises(Forbidden):
        submit(competition, make_user(), Upload.from_url("https://agents.example.org/"))


def test_the_newest_active_submissions_play_and_the_older_retire() -> None:
    competition, alice = make_competition(active_limit=2), make_user()
    first, second, third = (make_entrant(competition, alice).submission for _ in range(3))
    assert set(Entrant.objects.playing().values_list("submission", flat=True)) == {
        second.pk, third.pk,
    }  # fmt: skip
    first.refresh_from_db()
    assert first.status == "RETIRED"
    assert submissions.limits(competition, alice).displaces == second


def test_retired_submission_leaves_the_ladder_and_the_act_is_audited() -> None:
    alice = make_user()
    submission = make_entrant(make_competition(), alice).submission
    submissions.retire(submission, alice, "a better one comes")
    assert not Entrant.objects.playing().exists()
    assert AuditEntry.objects.get().action == "retire"
    with pytest.raises(Conflict):
        submissions.retire(submission, alice)


def test_only_its_team_or_staff_retires_a_submission() -> None:
    submission = make_entrant(make_competition(), make_user()).submission
    with pytest.raises(Forbidden):
        submissions.retire(submission, make_user("bob"))
    submissions.retire(submission, make_staff())


def test_disqualified_submission_is_off_the_ladder_until_reinstated() -> None:
    carol = make_staff()
    submission = make_entrant(make_competition(), make_user()).submission
    submissions.disqualify(submission, carol, "plays by telephone")
    entrant = Entrant.objects.get(submission=submission)
    assert entrant.left
    assert entrant.is_disqualified
    submissions.reinstate(submission, carol, "it was a false alarm")
    entrant.refresh_from_db()
    assert not entrant.left
    assert not entrant.is_disqualified


def test_house_bots_are_never_displaced() -> None:
    competition = make_competition(active_limit=1)
    make_house_bots(competition)
    assert Entrant.objects.playing().count() == 3


@pytest.mark.django_db(transaction=True)
def test_simultaneous_uploads_of_the_same_bytes_make_one_submission() -> None:
    import threading

    competition, alice = make_competition(daily_limit=3), make_user()
    receipts, barrier = [], threading.Barrier(6)

    def upload() -> None:
        barrier.wait()
        receipts.append(submit(competition, alice, Upload.from_source(SOURCE)))
        connections.close_all()

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Submission.objects.count() == 1
    assert sorted(receipt.created for receipt in receipts) == [False] * 5 + [True]


@pytest.mark.django_db(transaction=True)
def test_simultaneous_uploads_do_not_pass_the_daily_limit() -> None:
    import threading

    competition, alice = make_competition(daily_limit=3), make_user()
    refused, barrier = [], threading.Barrier(10)

    def upload(number: int) -> None:
        barrier.wait()
        try:
            submit(competition, alice, Upload.from_source(f"{SOURCE}# {number}"))
        except LimitReached:
            refused.append(number)
        connections.close_all()

    threads = [threading.Thread(target=upload, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (Submission.objects.count(), len(refused)) == (3, 7)


def test_entering_twice_changes_nothing() -> None:
    entrant = make_entrant(make_competition(), make_user(), elo=1234.0)
    assert entrants.enter(entrant.submission) == entrant
    assert Entrant.objects.get().rating.elo == 1234.0
