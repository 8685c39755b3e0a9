"""Matchmaking and sweeping: enough matches in flight, the right ones, none that stands still."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import broker
from evaluation.version import code_version
from league import entrants, live, matchmaking, outbox, sweeper
from league.models import Attempt, Entrant, Match, Rating, Submission
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_match,
    make_submission,
    make_user,
    send_match,
)

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(hours=1)


def report(**fields) -> None:
    body = {
        "version": code_version(), "concurrency": 1, "level": "A", "has_box": True, "reason": "",
        "remedy": "", "checks": {}, "pid": 1,
    }  # fmt: skip
    broker.report_worker(live.client(), "w1", body | fields)


@pytest.fixture
def field():
    competition = make_competition()
    make_house_bots(competition)
    make_entrant(competition, make_user())
    make_entrant(competition, make_user("bob"))
    return competition


def test_fills_up_to_four_matches_a_worker(field) -> None:
    report()
    assert matchmaking.pair(field) == 4
    assert matchmaking.pair(field) == 0
    report(concurrency=3)
    assert matchmaking.pair(field) == 8


def test_every_pair_is_of_two_teams(field) -> None:
    make_entrant(field, make_user())
    report(concurrency=20)
    matchmaking.pair(field)
    for match in Match.objects.all():
        a, b = (seat.submission for seat in match.seats.all())
        assert a != b
        assert a.team_id != b.team_id or a.team.is_house


def test_a_newcomer_is_served_first(field) -> None:
    Rating.objects.update(se=60.0, matches=40, is_provisional=False)
    newcomer = make_entrant(field, make_user("dora"))
    report()
    matchmaking.pair(field)
    playing = [seat.submission for m in Match.objects.all() for seat in m.seats.all()]
    assert playing.count(newcomer.submission) >= 2


def test_a_settled_league_costs_nothing(field) -> None:
    Rating.objects.update(se=20.0, matches=500)
    assert matchmaking.pair(field) == 0


@pytest.mark.parametrize(
    "change", [{"is_paused": True}, {"opens_at": timezone.now() + timedelta(days=1)},
               {"closes_at": LONG_AGO}]
)  # fmt: skip
def test_nothing_is_paired_while_paused_or_not_open(field, change) -> None:
    for name, value in change.items():
        setattr(field, name, value)
    assert matchmaking.pair(field) == 0


def test_without_a_box_only_house_bots_play(field) -> None:
    report(has_box=False, level="none", reason="no user namespaces")
    assert matchmaking.pair(field) > 0
    for match in Match.objects.all():
        assert all(seat.submission.is_trusted for seat in match.seats.all())


def test_without_a_box_agents_behind_urls_play(field) -> None:
    report(has_box=False, level="none", reason="no user namespaces")
    url_agent = make_submission(field, make_user("dora"), kind="url", url="https://203.0.113.7/a")
    entrants.enter(url_agent)
    assert matchmaking.pair(field) > 0
    paired = {seat.submission for match in Match.objects.all() for seat in match.seats.all()}
    assert url_agent in paired
    url_agent.status = "VALIDATING"
    url_agent.save()
    seats = [url_agent, url_agent]
    match = send_match(field, Match.Purpose.SELF_PLAY, seats, candidate=url_agent)
    assert (match.state, match.reason) == ("DISPATCHED", "")


def test_without_a_box_a_strangers_match_waits_with_the_reason(field) -> None:
    report(has_box=False, level="none", reason="no user namespaces")
    strangers = [e.submission for e in Entrant.objects.exclude(submission__kind="house")]
    match = send_match(field, Match.Purpose.RATED, strangers)
    match.refresh_from_db()
    assert (match.state, match.reason) == (
        "QUEUED", f"{outbox.NO_BOX} no user namespaces",
    )  # fmt: skip
    report()
    Match.objects.update(state_since=LONG_AGO)
    assert sweeper.sweep()["dispatched"] == 1


# The sweeper: each non-final state, aged past its limit, is seen to resolve.


@pytest.fixture
def sent(field):
    seats = [e.submission for e in Entrant.objects.all()[:2]]
    match = send_match(field, Match.Purpose.RATED, seats)
    Attempt.objects.update(sent=timezone.now() - timedelta(minutes=11))
    return match, match.attempts.get()


def test_a_match_that_was_never_sent_is_sent(field) -> None:
    match = make_match(field, [e.submission for e in Entrant.objects.all()[:2]])
    Match.objects.update(state_since=LONG_AGO)
    assert sweeper.sweep()["dispatched"] == 1
    match.refresh_from_db()
    assert match.state == "DISPATCHED"


def test_a_submission_whose_task_was_lost_is_validated(field) -> None:
    submission = make_submission(field, make_user("dora"), "PENDING")
    assert sweeper.sweep()["validated"] == 0
    Submission.objects.filter(pk=submission.pk).update(status_since=LONG_AGO)
    assert sweeper.sweep()["validated"] == 1
    submission.refresh_from_db()
    assert submission.status == "VALIDATING"


def test_a_postponed_submission_is_tried_again_when_its_time_comes(field) -> None:
    submission = make_submission(
        field, make_user("dora"), "PENDING", retry_at=timezone.now() + timedelta(hours=1)
    )
    Submission.objects.filter(pk=submission.pk).update(status_since=LONG_AGO)
    assert sweeper.sweep()["validated"] == 0
    Submission.objects.filter(pk=submission.pk).update(retry_at=LONG_AGO)
    assert sweeper.sweep()["validated"] == 1


def test_an_attempt_that_nobody_claimed_is_sent_again_under_its_number(
    sent, django_capture_on_commit_callbacks, redis_server
) -> None:
    match, attempt = sent
    with django_capture_on_commit_callbacks(execute=True):
        assert sweeper.sweep()["resent"] == 1
    assert redis_server.client().llen(broker.RATED_QUEUE) == 1
    assert match.attempts.count() == 1
    attempt.refresh_from_db()
    assert attempt.state == "SENT"


def test_an_attempt_whose_lease_ran_out_is_lost_and_the_match_sent_anew(sent) -> None:
    match, attempt = sent
    broker.claim(live.client(), attempt.pk, "w1")
    assert sweeper.sweep()["lost"] == 0  # it is being played
    live.client().delete(broker.lease_key(attempt.pk))
    assert sweeper.sweep()["lost"] == 1
    attempt.refresh_from_db()
    match.refresh_from_db()
    assert (attempt.state, attempt.worker, match.attempt_number) == ("LOST", "w1", 2)


def test_a_claim_of_any_length_does_not_stop_the_sweeper(sent) -> None:
    _, attempt = sent
    broker.claim(live.client(), attempt.pk, "w\0" * 500)
    live.client().delete(broker.lease_key(attempt.pk))
    assert sweeper.sweep()["lost"] == 1
    attempt.refresh_from_db()
    assert len(attempt.worker) == 120
    assert "\0" not in attempt.worker


def test_an_attempt_that_plays_for_ever_is_given_up(sent) -> None:
    match, attempt = sent
    broker.claim(live.client(), attempt.pk, "w1")
    Attempt.objects.update(
        sent=timezone.now() - timedelta(seconds=sweeper.state_limit_s(match) + 1)
    )
    assert sweeper.sweep()["lost"] == 1


def test_redis_away_loses_nothing(sent, settings) -> None:
    settings.REDIS_URL = "unix:///nonexistent/redis.sock"
    assert sweeper.sweep() == {"dispatched": 0, "validated": 0, "revived": 0}
    assert sent[1].state == "SENT"


def test_what_stands_too_long_is_named(sent) -> None:
    Match.objects.update(state_since=LONG_AGO)
    row = sweeper.overdue(timezone.now())[0]
    assert row["what"] == sent[0]
