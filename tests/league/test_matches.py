"""Recording: one result an episode, whatever is delivered twice, late or forged."""

import base64
import copy
import json

import pytest
from django.utils import timezone

from evaluation import replay
from league import ledger, matches, outbox, results, submissions, validation
from league.errors import Conflict
from league.models import (
    Attempt,
    AuditEntry,
    Entrant,
    Episode,
    Match,
    PairCount,
    Rating,
    Submission,
)
from league.storage import read_logs, read_replay_json
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_staff,
    make_submission,
    make_user,
    send_match,
)

pytestmark = pytest.mark.django_db
RATED = Match.Purpose.RATED


def encoded(value: dict) -> str:
    return base64.b64encode(replay.to_bytes(value)).decode()


def episode_result(rewards=(1, -1), verdicts=(None, None)) -> dict:
    scores = [0.5, 0.5]
    if rewards[0] != rewards[1]:
        first_won = rewards[1] is None or (rewards[0] is not None and rewards[0] > rewards[1])
        scores = [1.0, 0.0] if first_won else [0.0, 1.0]
    return {
        "statuses": ["ERROR" if verdict else "DONE" for verdict in verdicts],
        "rewards": list(rewards),
        "scores": scores,
        "verdicts": [verdict and dict(verdict) for verdict in verdicts],
        "overage": [60.0, 59.5],
        "slowest": [0.01, 0.5],
        "seconds": 0.4,
        "steps": 12,
        "cause": "Four in a row for seat 1",
        "replay": encoded({"name": "connectx", "steps": [], "info": {}}),
        "logs": encoded({"seats": [[{"step": 1, "stdout": "hi"}], []]}),
    }


def result_of(attempt: Attempt, *episodes: dict, **fields) -> dict:
    body = {"attempt": attempt.pk, "token": attempt.token, "worker": "w1"}
    return body | ({"episodes": list(episodes)} if episodes else {}) | fields


@pytest.fixture
def rated():
    """A rated match of alice and bob that is with a worker, and its attempt."""
    competition = make_competition()
    seats = [make_entrant(competition, make_user(name)).submission for name in ("alice", "bob")]
    match = send_match(competition, RATED, seats)
    return match, match.attempts.get()


FAULT = {"code": "exception", "message": "Move 3: ZeroDivisionError", "detail": "line 3"}


def test_a_result_is_recorded_with_episodes_seats_and_ratings(rated) -> None:
    match, attempt = rated
    # Both episodes are won by alice: as first seat, then as second one.
    assert matches.record(result_of(attempt, episode_result(), episode_result((-1, 1))))
    match.refresh_from_db()
    assert (match.state, match.is_rated) == ("DONE", True)
    alice, bob = match.seats.all()
    assert (alice.outcome, alice.score, bob.outcome) == ("won", 1.0, "lost")
    assert alice.rating_change > 0 > bob.rating_change
    ratings = {r.entrant.submission_id: r for r in Rating.objects.select_related("entrant")}
    assert (ratings[alice.submission_id].wins, ratings[bob.submission_id].losses) == (1, 1)
    counts = {(p.wins, p.draws, p.losses) for p in PairCount.objects.all()}
    assert counts == {(1, 0, 0), (0, 0, 1)}
    first = Episode.objects.get(number=0)
    assert json.loads(read_replay_json(first))["name"] == "connectx"
    unknown = dict.fromkeys(("bank_left", "wall", "cpu", "delay", "think"))
    logged = {"step": 1, "stdout": "hi", "stderr": "", "seconds": 0.0, **unknown}
    assert read_logs(first, 0) == [logged]
    second = Episode.objects.get(number=1)
    assert [seat.submission_id for seat in second.seats.all()] == [
        bob.submission_id, alice.submission_id,
    ]  # fmt: skip


def test_one_episode_each_is_a_draw(rated) -> None:
    match, attempt = rated
    matches.record(result_of(attempt, episode_result(), episode_result()))
    assert [seat.outcome for seat in match.seats.all()] == ["drawn", "drawn"]


def test_a_result_delivered_five_times_counts_once(rated) -> None:
    _, attempt = rated
    result = result_of(attempt, episode_result(), episode_result())
    assert [matches.record(copy.deepcopy(result)) for _ in range(5)] == [True] + [False] * 4
    assert Episode.objects.count() == 2
    assert set(Rating.objects.values_list("matches", flat=True)) == {1}


def test_a_forged_token_is_refused(rated) -> None:
    match, attempt = rated
    result = result_of(attempt, episode_result(), episode_result(), token="A" * 32)
    assert not matches.record(result)
    match.refresh_from_db()
    assert match.state == "DISPATCHED"
    assert not Episode.objects.exists()


def test_a_late_result_of_an_earlier_attempt_is_refused(rated) -> None:
    match, attempt = rated
    assert matches.fail(attempt, Attempt.State.LOST, "our worker was stopped")
    match.refresh_from_db()
    assert (match.state, match.attempt_number, match.faults) == ("DISPATCHED", 2, 0)
    assert not matches.record(result_of(attempt, episode_result(), episode_result()))
    second = match.attempts.get(number=2)
    assert matches.record(result_of(second, episode_result(), episode_result()))
    assert Episode.objects.count() == 2


def test_a_fault_of_ours_is_tried_three_times_then_given_up_and_never_scored(rated) -> None:
    match, _ = rated
    for number in (1, 2, 3):
        attempt = match.attempts.get(number=number)
        assert matches.record(result_of(attempt, fault="OSError: no space"))
        match.refresh_from_db()
        assert match.state == ("QUEUED" if number < 3 else "ABORTED"), "it waits for the sweeper"
        outbox.dispatch(match.pk)
    match.refresh_from_db()
    assert match.state == "ABORTED"
    assert match.reason.startswith("Our fault")
    assert [a.state for a in match.attempts.all()] == ["FAILED"] * 3
    assert set(Rating.objects.values_list("matches", flat=True)) == {0}


def test_a_worker_without_a_box_puts_the_match_back_without_counting(rated) -> None:
    match, attempt = rated
    assert matches.record(result_of(attempt, put_back="user namespaces are forbidden"))
    match.refresh_from_db()
    assert (match.state, match.faults) == ("QUEUED", 0)
    assert match.reason == "Waits: user namespaces are forbidden"
    assert match.not_before > timezone.now()


@pytest.mark.parametrize(
    "change",
    [
        {"episodes": [episode_result()]},
        {"episodes": [episode_result() | {"scores": [1.0]}, episode_result()]},
    ],
)
def test_a_result_that_does_not_fit_its_match_is_our_fault(rated, change) -> None:
    match, attempt = rated
    matches.record(result_of(attempt) | change)
    match.refresh_from_db()
    assert match.faults == 1
    assert not Episode.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [float("nan"), 0.0]},
        {"rewards": [float("inf"), 0.0]},
        {"statuses": ["WON", "DONE"]},
        {"verdicts": [{"code": "invented", "message": "x"}, None]},
        {"replay": "not base64!"},
        {"steps": "12"},
        {"extra": 1},
    ],
)
def test_a_malformed_result_is_refused_by_the_schema(rated, change) -> None:
    match, attempt = rated
    with pytest.raises(results.ResultError):
        matches.record(result_of(attempt, episode_result() | change, episode_result()))
    match.refresh_from_db()
    assert match.state == "DISPATCHED"


def test_an_oversized_replay_is_refused(rated, settings) -> None:
    settings.REPLAY_MAX_BYTES = 100
    _, attempt = rated
    big = encoded({"steps": [str(i) * 3 for i in range(500)]})
    with pytest.raises(results.ResultError, match="too large"):
        matches.record(result_of(attempt, episode_result() | {"replay": big}, episode_result()))


@pytest.mark.parametrize(
    "raw", [None, [], "x", {}, {"attempt": 1}, {"attempt": True, "token": "x"}]
)
def test_what_is_no_result_is_refused(raw) -> None:
    with pytest.raises(results.ResultError):
        matches.record(raw)


def test_agents_fault_is_a_loss_and_counted_as_a_crash(rated) -> None:
    match, attempt = rated
    failed = episode_result((None, 1), (FAULT, None))
    matches.record(result_of(attempt, failed, episode_result((0, 0))))
    alice, bob = match.seats.all()
    assert (alice.status, alice.verdict, alice.outcome) == ("ERROR", "exception", "lost")
    assert bob.outcome == "won"
    assert sorted(Rating.objects.values_list("crashes", flat=True)) == [0, 1]


def test_two_faults_are_a_draw(rated) -> None:
    match, attempt = rated
    failed = episode_result((None, None), (FAULT, FAULT))
    matches.record(result_of(attempt, failed, copy.deepcopy(failed)))
    assert [seat.outcome for seat in match.seats.all()] == ["drawn", "drawn"]


def test_a_match_of_a_disqualified_entrant_is_kept_but_does_not_count(rated) -> None:
    match, attempt = rated
    submissions.disqualify(match.seats.first().submission, make_staff(), "cheats")
    assert matches.record(result_of(attempt, episode_result(), episode_result()))
    match.refresh_from_db()
    assert match.state == "DONE"
    assert set(Rating.objects.values_list("matches", flat=True)) == {0}
    assert not PairCount.objects.exists()


class TestValidation:
    @pytest.fixture
    def pending(self) -> Submission:
        competition = make_competition()
        make_house_bots(competition)
        return make_submission(competition, make_user(), "PENDING")

    def newest(self) -> tuple[Match, Attempt]:
        match = Match.objects.first()
        return match, match.attempts.get(number=match.attempt_number)

    def test_is_a_game_against_itself_then_both_seats_against_a_house_bot(self, pending) -> None:
        assert validation.begin(pending.pk)
        assert not validation.begin(pending.pk)
        match, attempt = self.newest()
        assert match.purpose == "self_play"
        assert {seat.submission for seat in match.seats.all()} == {pending}
        matches.record(result_of(attempt, episode_result()))
        match, attempt = self.newest()
        assert match.purpose == "house_bots"
        matches.record(result_of(attempt, episode_result((-1, 1)), episode_result((1, -1))))
        pending.refresh_from_db()
        assert pending.status == "ACTIVE"
        assert Entrant.objects.playing().filter(submission=pending).exists()
        assert not PairCount.objects.exists()  # nothing before this is rated

    @pytest.mark.parametrize("verdicts", [(FAULT, None), (None, FAULT), (FAULT, FAULT)])
    def test_a_fault_in_self_play_rejects_with_the_verdict(self, pending, verdicts) -> None:
        validation.begin(pending.pk)
        _, attempt = self.newest()
        matches.record(result_of(attempt, episode_result((None, None), verdicts)))
        pending.refresh_from_db()
        assert (pending.status, pending.verdict) == ("REJECTED", "exception")
        assert pending.verdict_detail == "line 3"
        assert pending.advice

    def test_an_upload_that_cannot_be_unpacked_is_rejected(self, pending) -> None:
        validation.begin(pending.pk)
        _, attempt = self.newest()
        verdict = {"code": "bad_upload", "message": "The archive has no main.py.", "detail": ""}
        rejected = {"sha256": pending.sha256, "verdict": verdict}
        assert matches.record(result_of(attempt, rejected=rejected))
        pending.refresh_from_db()
        assert (pending.status, pending.verdict_message) == ("REJECTED", verdict["message"])

    def test_a_house_bots_fault_is_not_the_candidates(self, pending) -> None:
        validation.begin(pending.pk)
        matches.record(result_of(self.newest()[1], episode_result()))
        _, attempt = self.newest()
        matches.record(
            result_of(attempt, episode_result((1, None), (None, FAULT)), episode_result())
        )
        pending.refresh_from_db()
        assert pending.status == "ACTIVE"

    def test_a_fault_of_ours_postpones_and_rejects_nothing(self, pending) -> None:
        validation.begin(pending.pk)
        match, _ = self.newest()
        for number in (1, 2, 3):
            matches.record(result_of(match.attempts.get(number=number), fault="MemoryError"))
            outbox.dispatch(match.pk)
        pending.refresh_from_db()
        assert pending.status == "PENDING"
        assert pending.retry_at
        assert pending.verdict == ""

    @pytest.mark.parametrize("after", [0, 1])
    def test_disqualified_in_validation_never_plays_unvalidated(self, pending, after) -> None:
        validation.begin(pending.pk)
        if after:
            matches.record(result_of(self.newest()[1], episode_result()))
        submissions.disqualify(pending, make_staff(), "a copy")
        episodes = [episode_result()] * (1 + after)
        matches.record(result_of(self.newest()[1], *episodes))
        pending.refresh_from_db()
        assert pending.status == "DISQUALIFIED"
        assert "active" not in pending.stages
        assert Match.objects.count() == 1 + after
        submissions.reinstate(pending, make_staff(), "it was not")
        pending.refresh_from_db()
        assert pending.status == "PENDING"
        assert validation.begin(pending.pk)

    def test_a_validation_is_not_run_again_as_a_rated_match(self, pending) -> None:
        validation.begin(pending.pk)
        matches.record(result_of(self.newest()[1], episode_result()))
        with pytest.raises(Conflict):
            matches.run_again(Match.objects.last(), make_staff(), "once more")


def test_void_match_leaves_the_rating(rated) -> None:

    match, attempt = rated
    matches.record(result_of(attempt, episode_result(), episode_result((-1, 1))))
    match.refresh_from_db()
    matches.void(match, make_staff(), "the seed was known")
    ledger.rebuild(match.competition)
    assert set(Rating.objects.values_list("matches", flat=True)) == {0}
    assert not PairCount.objects.exists()
    with pytest.raises(Conflict):
        matches.void(Match.objects.get(pk=match.pk), make_staff(), "again")


def test_run_again_plays_the_same_seed_and_is_audited(rated) -> None:
    match, attempt = rated
    with pytest.raises(Conflict):
        matches.run_again(match, make_staff(), "too early")
    matches.record(result_of(attempt, episode_result(), episode_result()))
    match.refresh_from_db()
    again = matches.run_again(match, make_staff(), "looks odd")
    assert (again.key, again.repeats) == (match.key, match)
    assert AuditEntry.objects.get().action == "run again"


def test_paused_competition_sends_nothing() -> None:
    competition = make_competition(is_paused=True)
    seats = [make_entrant(competition, make_user(name)).submission for name in ("alice", "bob")]
    match = send_match(competition, RATED, seats)
    match.refresh_from_db()
    assert (match.state, match.reason) == ("QUEUED", outbox.PAUSED)
