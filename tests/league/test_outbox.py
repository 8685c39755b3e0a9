"""The outbox: who goes first, what holds matches back, what is not wanted any more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from evaluation import broker
from evaluation.version import code_version
from league import (
    halts,
    live,
    matches,
    matchmaking,
    outbox,
    submissions,
    sweeper,
    tasks,
    validation,
)
from league.errors import Conflict
from league.models import Alert, Attempt, AuditEntry, Competition, Match, Submission
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_match,
    make_staff,
    make_submission,
    make_user,
    send_match,
)
from tests.league.test_matches import episode_result, result_of

pytestmark = pytest.mark.django_db
RATED = Match.Purpose.RATED


@pytest.fixture
def competition():
    broker.report_worker(live.client(), "w1", worker())
    return make_competition(daily_limit=1000)


def worker(**changes):
    return {
        "version": code_version(), "concurrency": 1, "level": "A", "has_box": True, "reason": "",
        "remedy": "",
    } | changes  # fmt: skip


def flood(competition, name: str, count: int) -> list[Submission]:
    """Uploads of one user, each waiting for its validation."""
    user = make_user(name)
    return [make_submission(competition, user, "PENDING") for _ in range(count)]


def sent() -> list[str]:
    """Whose validations are with the workers, in the order in which they were sent."""
    attempts = Attempt.objects.filter(match__candidate__isnull=False).order_by("pk")
    return list(attempts.values_list("match__candidate__team__name", flat=True))


class TestFairness:
    def test_a_hundred_uploads_of_one_do_not_hold_up_the_first_of_another(self, competition):
        for each in flood(competition, "alice", 100):
            validation.begin(each.pk)
        assert sent().count("alice") <= 3, "her first one, and as many as the worker has room for"
        (newcomer,) = flood(competition, "bob", 1)
        validation.begin(newcomer.pk)
        assert sent()[-1] == "bob"
        assert live.client().llen(broker.FIRST_QUEUE) == 0, "sent after the commit"

    def test_later_uploads_take_turns_between_teams(self, competition):
        for name in ("alice", "bob"):
            make_submission(competition, make_user(name), "REJECTED")
            for each in flood(competition, name, 5):
                Submission.objects.filter(pk=each.pk).update(status="VALIDATING")
                outbox.schedule(competition, Match.Purpose.SELF_PLAY, [each] * 2, candidate=each)
        outbox.fill()
        assert sorted(sent()) == ["alice", "bob"]

    def test_a_place_is_taken_as_soon_as_one_is_free(self, competition):
        make_house_bots(competition)
        for each in flood(competition, "alice", 5):
            validation.begin(each.pk)
        before = len(sent())
        attempt = Attempt.objects.order_by("pk").first()
        matches.record(result_of(attempt, episode_result()))
        assert len(sent()) == before + 1

    @pytest.mark.django_db(transaction=True)
    def test_a_first_submission_has_a_queue_of_its_own(self, competition):
        first, second = flood(competition, "alice", 2)
        validation.begin(first.pk), validation.begin(second.pk)
        lengths = [live.client().llen(queue) for queue in broker.QUEUES]
        assert lengths == [1, 1, 0]

    def test_five_hundred_run_again_go_out_as_there_is_room_and_after_new_ones(self, competition):
        seats = [make_entrant(competition, make_user(n)).submission for n in ("alice", "bob")]
        for _ in range(20):
            outbox.schedule(
                competition, RATED, seats, repeats=make_match(competition, seats, "DONE")
            )
        outbox.fill()
        assert Match.objects.filter(state="DISPATCHED").count() == outbox.matches_in_flight()
        Match.objects.filter(state="DISPATCHED").update(state="DONE")
        new = outbox.schedule(competition, RATED, seats)
        outbox.fill()
        new.refresh_from_db()
        assert new.state == "DISPATCHED"


class TestWhatHoldsMatchesBack:
    @pytest.fixture
    def waiting(self, competition):
        seats = [make_entrant(competition, make_user(n)).submission for n in ("alice", "bob")]
        return outbox.schedule(competition, RATED, seats)

    def state(self, match) -> tuple[str, str]:
        match.refresh_from_db()
        return match.state, match.reason

    def test_a_halt_stops_all_and_its_end_lets_them_go(self, waiting):
        halts.halt(make_staff(), "the power is going")
        assert outbox.fill() == 0
        assert self.state(waiting) == ("QUEUED", f"{outbox.HALTED}: the power is going")
        with pytest.raises(Conflict):
            halts.halt(make_staff(), "twice")
        halts.lift(make_staff(), "it is back")
        assert outbox.fill() == 1
        assert self.state(waiting) == ("DISPATCHED", "")
        with pytest.raises(Conflict):
            halts.lift(make_staff(), "twice")
        assert list(AuditEntry.objects.values_list("action", flat=True)) == ["lift halt", "halt"]

    def test_a_disk_that_is_nearly_full_stops_all(self, waiting, settings):
        settings.DISK_RESERVE_MB = 10**9
        assert outbox.fill() == 0
        assert self.state(waiting)[1].startswith("Waits: the disk is nearly full")
        settings.DISK_RESERVE_MB = 1
        assert outbox.fill() == 1

    def test_no_box_holds_back_strangers_only(self, competition, waiting):
        bots = [bot.submission for bot in make_house_bots(competition)[:2]]
        house = outbox.schedule(competition, RATED, bots)
        broker.report_worker(live.client(), "w1", worker(has_box=False, reason="No namespaces."))
        assert outbox.fill() == 1
        assert self.state(waiting) == ("QUEUED", f"{outbox.NO_BOX} No namespaces.")
        assert self.state(house) == ("DISPATCHED", "")

    def test_a_match_waits_until_its_time(self, waiting):
        Match.objects.update(not_before=timezone.now() + timedelta(minutes=1))
        assert outbox.fill() == 0
        Match.objects.update(not_before=timezone.now())
        assert outbox.fill() == 1

    def test_a_worker_with_other_code_is_no_worker(self, competition):
        broker.report_worker(live.client(), "w1", worker(version="old", concurrency=8))
        assert live.concurrency() == 1
        assert not live.box().is_ready

    @pytest.mark.parametrize("verb", [submissions.disqualify, submissions.retire])
    def test_who_has_left_is_not_sent_out(self, waiting, verb):
        verb(waiting.seats.first().submission, make_staff(), "gone")
        assert outbox.fill() == 0
        state, reason = self.state(waiting)
        assert state == "ABORTED"
        assert "has left" in reason

    def test_only_what_waits_can_be_cancelled(self, waiting):
        matches.cancel(waiting, make_staff(), "not needed")
        assert self.state(waiting) == ("ABORTED", "Cancelled: not needed")
        with pytest.raises(Conflict):
            matches.cancel(waiting, make_staff(), "again")


class TestFaultsOfOurs:
    @pytest.fixture
    def rated(self, competition):
        seats = [make_entrant(competition, make_user(n)).submission for n in ("alice", "bob")]
        return send_match(competition, RATED, seats)

    def attempt(self, match) -> Attempt:
        Match.objects.filter(pk=match.pk, state="QUEUED").update(not_before=None)
        outbox.fill()
        return match.attempts.get(state="SENT")

    def test_waits_grow_with_each_attempt_and_differ(self, rated):
        waits = []
        for _ in range(2):
            began = timezone.now()
            matches.fail(self.attempt(rated), Attempt.State.FAILED, "no space")
            rated.refresh_from_db()
            waits.append((rated.not_before - began).total_seconds())
        assert 1 <= waits[0] <= 2.1
        assert 2 <= waits[1] <= 4.1

    def test_a_worker_that_vanishes_is_no_fault_of_the_match(self, rated):
        for _ in range(matches.MAX_INTERRUPTIONS - 1):
            assert matches.fail(self.attempt(rated), Attempt.State.LOST, "our worker was stopped")
        rated.refresh_from_db()
        assert (rated.state, rated.faults) == ("QUEUED", 0)
        matches.fail(self.attempt(rated), Attempt.State.LOST, "our worker was stopped")
        rated.refresh_from_db()
        assert rated.state == "ABORTED"

    def test_giving_up_raises_one_alert_a_competition(
        self, rated, django_capture_on_commit_callbacks, mailoutbox
    ):
        make_user("carol", is_staff=True, email="carol@example.org")
        for _ in range(2):
            match = send_match(rated.competition, RATED, [s.submission for s in rated.seats.all()])
            for _ in range(3):
                with django_capture_on_commit_callbacks(execute=True):
                    matches.fail(self.attempt(match), Attempt.State.FAILED, "no such game")
        alert = Alert.objects.get()
        assert (alert.code, alert.count) == ("match_given_up", 2)
        assert "no such game" in alert.message

    def test_who_is_put_back_waits_longer_each_time_and_is_told_in_the_end(
        self, rated, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(matches.MAX_INTERRUPTIONS):
                assert matches.record(result_of(self.attempt(rated), put_back="no box here"))
        rated.refresh_from_db()
        assert (rated.not_before - timezone.now()).total_seconds() > 100
        assert (rated.state, rated.faults) == ("QUEUED", 0)
        assert Alert.objects.get().code == "match_put_back"

    def test_a_malformed_result_is_a_fault_with_its_reason(self, rated):
        raw = result_of(self.attempt(rated), episode_result(), episode_result())
        raw["episodes"][0]["steps"] = "many"
        assert not tasks.record_result(raw)
        rated.refresh_from_db()
        assert (rated.state, rated.faults) == ("QUEUED", 1)
        assert "episodes.0.steps" in rated.attempts.get().reason
        assert not tasks.record_result({"attempt": "x"})

    def test_what_breaks_one_competition_leaves_the_others_alone(
        self, rated, django_capture_on_commit_callbacks
    ):
        other = make_competition("broken", daily_limit=5)
        waiting = make_match(other, [s.submission for s in rated.seats.all()])
        Competition.objects.filter(pk=other.pk).update(configuration={"actTimeout": "soon"})
        make_house_bots(rated.competition)
        with django_capture_on_commit_callbacks(execute=True):
            assert matches.record(
                result_of(rated.attempts.get(), episode_result(), episode_result())
            )
            sweeper.sweep()
            assert tasks.pair_competitions() > 0
        waiting.refresh_from_db()
        assert waiting.state == "ABORTED"
        assert "cannot be set up" in waiting.reason
        assert Alert.objects.get().target == "broken"

    def test_an_error_of_ours_in_one_competition_is_told_and_stops_no_other(
        self, rated, monkeypatch, django_capture_on_commit_callbacks
    ):
        pair = matchmaking.pair

        def pair_all_but_one(competition):
            if competition.slug == "broken":
                raise RuntimeError("a fault in this game")
            return pair(competition)

        make_competition("broken", opens_at=timezone.now() - timedelta(days=1))
        make_house_bots(rated.competition)
        monkeypatch.setattr(matchmaking, "pair", pair_all_but_one)
        with django_capture_on_commit_callbacks(execute=True):
            assert tasks.pair_competitions() > 0
        assert Alert.objects.get().code == "competition_fails"

    def test_paths_of_ours_stand_on_no_page(self, rated):
        fault = "FileNotFoundError: [Errno 2] No such file: '/srv/league/var/uploads/ab/cd'"
        matches.record(result_of(self.attempt(rated), fault=fault))
        assert rated.attempts.get().reason == "FileNotFoundError: [Errno 2] No such file: '…'"

    def test_a_rated_upload_that_cannot_be_read_any_more_is_our_fault(self, rated):
        verdict = {"code": "bad_upload", "message": "The file is empty.", "detail": ""}
        rejected = {"sha256": rated.seats.first().submission.sha256, "verdict": verdict}
        matches.record(result_of(self.attempt(rated), rejected=rejected))
        rated.refresh_from_db()
        assert (rated.state, rated.faults) == ("QUEUED", 1)
        assert rated.seats.first().verdict == ""

    def test_a_second_delivery_leaves_the_lease_of_a_finished_attempt(self, rated):
        client, attempt = live.client(), rated.attempts.get()
        assert broker.claim(client, attempt.pk, "w1")
        client.set(broker.lease_key(attempt.pk), broker.FINISHED, ex=broker.FINISHED_S)
        assert not broker.claim(client, attempt.pk, "w2")
        assert client.get(broker.lease_key(attempt.pk)) == broker.FINISHED

    def test_an_entrant_that_cannot_be_played_is_set_aside(self, rated, competition):
        bad = rated.seats.first().submission
        good = [make_entrant(competition, make_user(n)).submission for n in ("carl", "dora")]
        for _ in range(3):
            make_match(competition, [bad, good[0]], "ABORTED", faults=3, ended=timezone.now())
        make_match(competition, good, "DONE", ended=timezone.now())
        Match.objects.open().update(state="DONE")
        matchmaking.pair(competition)
        playing = {s.submission_id for m in Match.objects.open() for s in m.seats.all()}
        assert bad.pk not in playing
        assert {each.pk for each in good} <= playing

    def test_validations_are_put_off_longer_each_time(self, competition):
        (pending,) = flood(competition, "alice", 1)
        waits = []
        for _ in range(3):
            Submission.objects.update(status="VALIDATING")
            pending.refresh_from_db()
            assert submissions.postpone(pending, "Our fault.")
            pending.refresh_from_db()
            waits.append((pending.retry_at - timezone.now()).total_seconds())
        assert pending.postponed == 3
        assert 59 <= waits[0] <= 120 < waits[2] * 1.01
        assert waits[2] >= 239

    def test_a_validation_without_a_match_begins_anew(self, competition):
        (pending,) = flood(competition, "alice", 1)
        Submission.objects.update(
            status="VALIDATING", status_since=timezone.now() - timedelta(minutes=2)
        )
        assert sweeper.sweep()["revived"] == 1
        pending.refresh_from_db()
        assert pending.status == "PENDING"


def test_a_clock_that_was_set_back_leaves_nothing_in_the_future(competition):
    seats = [make_entrant(competition, make_user(n)).submission for n in ("alice", "bob")]
    waiting, playing = (
        outbox.schedule(competition, RATED, seats),
        send_match(competition, RATED, seats),
    )
    (pending,) = flood(competition, "carl", 1)
    client, attempt = live.client(), playing.attempts.get()
    assert broker.claim(client, attempt.pk, "w1")
    client.expire(broker.lease_key(attempt.pk), 3600)
    hour = timezone.now() + timedelta(hours=2)
    Match.objects.update(state_since=hour, not_before=hour)
    Attempt.objects.update(sent=hour)
    Submission.objects.filter(pk=pending.pk).update(status_since=hour, retry_at=hour)
    sweeper.sweep()
    now = timezone.now()
    for row, name in ((waiting, "state_since"), (attempt, "sent"), (pending, "status_since")):
        row.refresh_from_db()
        assert getattr(row, name) <= now
    assert waiting.not_before is None or waiting.not_before <= now
    assert pending.status == "VALIDATING", "its time to be tried again had come"
    assert client.ttl(broker.lease_key(attempt.pk)) <= broker.LEASE_S
