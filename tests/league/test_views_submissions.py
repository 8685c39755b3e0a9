"""Submitting in three ways, the page of a submission, and what only its team may see."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from evaluation import broker, replay
from evaluation.version import code_version
from league import live, outbox, storage, validation
from league.models import Match, RatingPoint, Submission
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_match,
    make_rated_match,
    make_staff,
    make_submission,
    make_user,
)

pytestmark = pytest.mark.django_db
URL = "/competitions/connectx/submit/"
SOURCE = "def agent(observation):\n    return 0\n"
TRACEBACK = """Traceback (most recent call last):
  File "/usr/lib/runner.py", line 2, in act
    call()
  File "/kaggle_simulations/agent/main.py", line 7, in agent
    return 1 / 0
ZeroDivisionError: division by zero
"""
ROLES = {"anonymous": None, "alice": make_user, "bob": make_user, "carol": make_staff}


@pytest.fixture
def connectx():
    competition = make_competition()
    make_house_bots(competition)
    return competition


@pytest.fixture
def alice(client):
    user = make_user("alice")
    client.force_login(user)
    return user


def enter_as(client, role):
    client.logout()
    if ROLES[role]:
        client.force_login(ROLES[role](role))


def send(client, **fields):
    return client.post(URL, {"way": "source", "source": SOURCE, "description": ""} | fields)


def test_submitting_needs_an_account(client, connectx):
    assert client.get(URL)["Location"] == f"/accounts/login/?next={URL}"
    assert send(client)["Location"].startswith("/accounts/login/")
    assert not Submission.objects.exclude(kind="house").exists()


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"way": "source"}, "source"),
        ({"way": "file", "file": SimpleUploadedFile("main.py", SOURCE.encode())}, "file"),
        ({"way": "file", "file": SimpleUploadedFile("a.tar.gz", b"\x1f\x8b")}, "bundle"),
        ({"way": "url", "url": "https://203.0.113.7/act"}, "url"),
    ],
)
def test_each_way_leads_to_the_page_of_the_submission(client, connectx, alice, fields, kind):
    response = send(client, **fields)
    submission = Submission.objects.get(kind=kind)
    assert response["Location"] == submission.get_absolute_url()
    assert submission.author == alice


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"source": "  "}, "The source is empty"),
        ({"way": "file"}, "Choose a file first."),
        ({"way": "file", "file": SimpleUploadedFile("a.exe", b"x")}, "Upload a .py file"),
        ({"way": "file", "file": SimpleUploadedFile("a.py", b"")}, "The file is empty"),
        ({"way": "url"}, "Type the address first."),
        ({"way": "url", "url": "ftp://example.org"}, "http"),
        ({"way": "carrier pigeon"}, "Select a valid choice"),
    ],
)
def test_a_refused_upload_says_why_and_keeps_the_form(client, connectx, alice, fields, sentence):
    response = send(client, **fields)
    assert response.status_code == 400
    assert sentence in response.text
    assert "data-submit" in response.text
    assert not Submission.objects.filter(author=alice).exists()


def test_what_was_typed_is_still_there_after_a_refusal(client, connectx, alice):
    connectx.daily_limit = 0
    connectx.save()
    response = send(client, description="my third try")
    assert response.status_code == 429
    assert "my third try" in response.text
    assert "def agent(observation)" in response.text


def test_the_page_says_what_is_left_and_what_is_displaced(client, connectx, alice):
    first = make_entrant(connectx, alice).submission
    page = client.get(URL).text
    assert "<b>4</b> of 5" in page
    assert "none is displaced" in page
    make_entrant(connectx, alice)
    page = client.get(URL).text
    assert "takes the place of" in page
    assert first.get_absolute_url() in page


def test_after_the_deadline_there_is_a_reason_and_no_form(client, connectx, alice):
    connectx.deadline = timezone.now()
    connectx.save()
    page = client.get(URL)
    assert page.text.count("The deadline has passed") == 1
    assert "data-submit" not in page.text
    assert "submit.js" not in page.text
    assert "Your limits" not in page.text
    refused = send(client)
    assert refused.status_code == 403
    assert refused.text.count("The deadline has passed") == 1


def test_nobody_is_sent_to_a_form_that_is_closed(client, connectx, alice):
    button = f'<a class="button main push" href="{URL}">'
    assert button in client.get("/competitions/connectx/").text
    assert "Enter Connectx" in client.get("/submissions/").text
    connectx.deadline = timezone.now()
    connectx.save()
    assert button not in client.get("/competitions/connectx/").text
    assert "Enter Connectx" not in client.get("/submissions/").text


def test_with_nothing_left_today_the_page_says_so_beforehand(client, connectx, alice):
    assert "disabled" not in client.get(URL).text
    connectx.daily_limit = 0
    connectx.save()
    page = client.get(URL).text
    assert "Your team has used its 0 submissions of today" in page
    assert 'type="submit" disabled' in page


def test_a_paused_competition_says_that_an_upload_waits(client, connectx, alice):
    assert "is paused" not in client.get(URL).text
    connectx.is_paused = True
    connectx.save()
    assert "is paused" in client.get(URL).text


def test_the_same_bytes_lead_to_the_first_submission(client, connectx, alice):
    first = send(client)["Location"]
    response = client.post(URL, {"way": "source", "source": SOURCE}, follow=True)
    assert response.redirect_chain == [(first, 302)]
    assert "sent these very bytes before" in response.text


def test_the_deadline_is_judged_by_when_the_request_arrived(client, connectx, alice, monkeypatch):
    """A slow body must not make a punctual upload late."""
    connectx.deadline = timezone.now()
    early = connectx.deadline - timedelta(seconds=1)
    connectx.opens_at = early
    connectx.save()
    monkeypatch.setattr("league.middleware.timezone", SimpleNamespace(now=lambda: early))
    assert send(client).status_code == 302


def test_stages_update_by_themselves_until_they_are_final(client, connectx, alice):
    submission = make_submission(connectx, alice, "VALIDATING", stages={
        "received": {"at": "", "seconds": 0.0}, "unpacked": {"at": "", "seconds": 0.42},
    })  # fmt: skip
    url = submission.get_absolute_url()
    part = client.get(url, headers={"HX-Request": "true", "HX-Target": "status"}).text
    assert part.strip().startswith('<div id="status" class="stack" data-live="1"')
    assert "0.42 s" in part
    assert '<li class="running">imported' in part
    Submission.objects.filter(pk=submission.pk).update(status="ACTIVE")
    assert "data-live" not in client.get(url, headers={"HX-Request": "true"}).text


def test_a_rejection_shows_verdict_and_advice_to_all(client, connectx):
    submission = make_submission(
        connectx, make_user("alice"), "REJECTED", verdict="exception",
        verdict_message="Your agent's move 3 raised ZeroDivisionError.", verdict_detail=TRACEBACK,
    )  # fmt: skip
    page = client.get(submission.get_absolute_url()).text
    assert "raised ZeroDivisionError." in page
    assert "mend the marked line" in page
    assert '<li class="failed">' in page


@pytest.mark.parametrize("role", ROLES)
def test_only_its_team_sees_the_traceback_with_its_own_line_marked(client, connectx, role):
    submission = make_submission(
        connectx, make_user("alice"), "REJECTED", verdict="exception", verdict_detail=TRACEBACK
    )
    enter_as(client, role)
    page = client.get(submission.get_absolute_url()).text
    assert ("<mark>    return 1 / 0</mark>" in page) == (role == "alice")
    assert ("main.py&quot;, line 7" in page) == (role == "alice")
    assert "<mark>    call()</mark>" not in page


@pytest.mark.parametrize("role", ROLES)
def test_only_its_team_reads_the_logs(client, connectx, role):
    submission = make_entrant(connectx, make_user("alice")).submission
    episode = make_rated_match(connectx, submission, connectx.anchor).episodes.get(number=0)
    entry = {"step": 1, "stdout": "I think </pre>", "stderr": "", "seconds": 0.5, "bank_left": 60.0}
    storage.save_episode_files(
        episode.pk, replay.to_bytes({}), replay.to_bytes({"seats": [[entry], []]})
    )
    enter_as(client, role)
    response = client.get(f"/submissions/{submission.pk}/logs/?episode={episode.pk}")
    assert response.status_code == (200 if role == "alice" else 404)
    assert ("I think &lt;/pre&gt;" in response.text) == (role == "alice")
    page = client.get(submission.get_absolute_url()).text
    assert (f"/submissions/{submission.pk}/logs/" in page) == (role == "alice")


def test_a_log_with_holes_is_shown_as_far_as_it_goes(client, connectx, alice):
    """The file comes from a worker, which is another trust zone."""
    submission = make_entrant(connectx, alice).submission
    episode = make_rated_match(connectx, submission, connectx.anchor).episodes.get(number=0)
    holes = [{"step": 1, "stdout": "hello"}, {"step": 2, "seconds": "long"}]
    storage.save_episode_files(
        episode.pk, replay.to_bytes({}), replay.to_bytes({"seats": [holes, []]})
    )
    assert "hello" in client.get(f"/submissions/{submission.pk}/logs/?episode={episode.pk}").text
    assert client.get(submission.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_only_its_team_sees_the_address_of_a_url_agent(client, connectx, role):
    submission = make_submission(
        connectx, make_user("alice"), kind="url", url="https://203.0.113.7/secret"
    )
    enter_as(client, role)
    page = client.get(submission.get_absolute_url()).text
    assert ("/secret" in page) == (role == "alice")


@pytest.mark.parametrize(
    ("role", "status", "after"),
    [("anonymous", 302, "ACTIVE"), ("alice", 302, "RETIRED"), ("bob", 403, "ACTIVE"),
     ("carol", 302, "RETIRED")],
)  # fmt: skip
def test_its_team_and_staff_may_retire_it(client, connectx, role, status, after):
    submission = make_entrant(connectx, make_user("alice")).submission
    enter_as(client, role)
    assert client.post(f"/submissions/{submission.pk}/retire/").status_code == status
    submission.refresh_from_db()
    assert submission.status == after


def test_retiring_by_a_link_is_not_possible(client, connectx, alice):
    submission = make_entrant(connectx, alice).submission
    assert client.get(f"/submissions/{submission.pk}/retire/").status_code == 405


def test_the_history_leads_to_its_matches_and_is_a_table_too(client, connectx, alice):
    entrant = make_entrant(connectx, alice, elo=1100.0, se=70.0, matches=2)
    matches = [make_rated_match(connectx, entrant.submission, connectx.anchor) for _ in range(2)]
    for number, match in enumerate(matches):
        RatingPoint.objects.create(
            entrant=entrant, match=match, elo=1050 + 50 * number, se=90, matches=number + 1
        )
    page = client.get(entrant.submission.get_absolute_url()).text
    assert page.count("<polyline") == 1
    assert page.count(f'href="{matches[1].get_absolute_url()}"') >= 2
    assert "As a table" in page
    assert "settles" in page


def test_opponents_compare_what_was_scored_with_what_was_expected(client, connectx, alice):
    entrant = make_entrant(connectx, alice, elo=1000.0, matches=2)
    rival = make_entrant(connectx, make_user("bob"), elo=1000.0)
    make_rated_match(connectx, entrant.submission, rival.submission, score=1.0)
    make_rated_match(connectx, rival.submission, entrant.submission, score=0.5)
    page = client.get(entrant.submission.get_absolute_url()).text
    assert "75 %" in page
    assert "50 %" in page


def test_the_table_of_opponents_marks_what_chance_does_not_explain(client, connectx, alice):
    entrant = make_entrant(connectx, alice, elo=1000.0, se=20.0, matches=8)
    rival = make_entrant(connectx, make_user("bob"), elo=1000.0, se=20.0)
    url = entrant.submission.get_absolute_url()
    make_rated_match(connectx, entrant.submission, rival.submission, score=0.0)
    assert '<span class="muted">−50</span>' in client.get(url).text
    for _ in range(7):
        make_rated_match(connectx, entrant.submission, rival.submission, score=0.0)
    assert "<b>−50</b> ◆" in client.get(url).text


def test_open_matches_say_why_they_were_chosen(client, connectx, alice):
    entrant = make_entrant(connectx, alice)
    rival = make_entrant(connectx, make_user("bob"))
    seats = [rival.submission, entrant.submission]
    url = entrant.submission.get_absolute_url()
    assert "Next matches" not in client.get(url).text
    make_match(connectx, seats, why=Match.Why.CUT)
    page = client.get(url).text
    assert "Next matches" in page
    assert "<b>cut</b>: it is open who of the two is above the prize cut" in page


def test_the_page_says_when_the_rating_settles_and_how_that_is_known(client, connectx, alice):
    entrant = make_entrant(connectx, alice, elo=1000.0, se=80.0, matches=5)
    rival = make_entrant(connectx, make_user("bob"))
    url = entrant.submission.get_absolute_url()
    assert "no matches are being played here at present" in client.get(url).text
    make_rated_match(connectx, entrant.submission, rival.submission)
    page = client.get(url).text
    assert re.search(r"about \d+ matches, \d+ (min|h)<", page)
    assert "from the 1 matches of this ladder in the last 10 min, of which it played 1." in page
    entrant.rating.se = 20.0
    entrant.rating.save()
    assert "no more matches are needed" in client.get(url).text


def test_a_quick_step_is_called_provisional_until_the_next_fit(client, connectx, alice):
    entrant = make_entrant(connectx, alice, is_quick=True, crashes=1, matches=5)
    page = client.get(entrant.submission.get_absolute_url()).text
    assert "A quick step" in page
    assert "10 % <small>of its episodes" in page


def test_what_it_qualified_with_stays_on_its_page(client, connectx, alice):
    entrant = make_entrant(connectx, alice, qualifying_elo=1211.0, qualifying_rank=6)
    page = client.get(entrant.submission.get_absolute_url()).text
    assert "1211 <small>rank 6, no longer counted" in page


def test_a_page_costs_as_many_queries_for_many_matches_as_for_few(
    client, connectx, alice, django_assert_max_num_queries
):
    entrant = make_entrant(connectx, alice)
    for number in range(8):
        rival = make_entrant(connectx, make_user(f"rival-{number}"))
        make_rated_match(connectx, entrant.submission, rival.submission)
    with django_assert_max_num_queries(20):
        client.get(entrant.submission.get_absolute_url())


def test_my_submissions_are_mine(client, connectx, alice):
    mine = make_submission(connectx, alice)
    theirs = make_submission(connectx, make_user("bob"))
    page = client.get("/submissions/").text
    assert mine.get_absolute_url() in page
    assert theirs.get_absolute_url() not in page


def test_a_submission_that_cannot_be_boxed_says_why_it_waits(client, connectx, alice):
    reason = "This machine forbids user namespaces."
    worker = {
        "version": code_version(), "concurrency": 1, "level": "none", "has_box": False,
        "reason": reason, "remedy": "sudo x", "checks": {},
    }  # fmt: skip
    broker.report_worker(live.client(), "w1", worker)
    submission = make_submission(connectx, alice, "PENDING")
    assert validation.begin(submission.pk)
    page = client.get(submission.get_absolute_url()).text
    assert f"Waits: no worker can box strangers&#x27; agents at the moment. {reason}" in page
    answer = client.get(f"/api/v1/submissions/{submission.pk}").json()
    assert (answer["status"], answer["waits_for"]) == ("VALIDATING", f"{outbox.NO_BOX} {reason}")
    broker.report_worker(live.client(), "w1", worker | {"has_box": True, "level": "A"})
    assert outbox.dispatch(submission.validations.get().pk)
    assert client.get(f"/api/v1/submissions/{submission.pk}").json()["waits_for"] == ""
    assert "Waits:" not in client.get(submission.get_absolute_url()).text
