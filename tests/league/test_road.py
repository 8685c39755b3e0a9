"""The whole road with real processes: an upload becomes a rated entrant, exactly once."""

import io
import json
import os
import signal
import tarfile
import time
from collections.abc import Iterator

import pytest
from django.db import connection

from evaluation import broker
from league import ledger, outbox, submissions, sweeper
from league.models import Attempt, Entrant, Episode, Match, PairCount, Rating, Submission
from league.submissions import Upload
from tests.factories import make_competition, make_house_bots, make_match, make_user, send_match
from tests.processes import descendants_of, is_running
from tests.stack import Stack, database_url, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]

INSTANT = """
def agent(observation, configuration):
    board = observation.board
    return [c for c in range(configuration.columns) if board[c] == 0][0]
"""
# A worker's child, a zygote with its guards, and the clones that wait, besides those that play.
BOXED = 12
SLOW = INSTANT.replace("    board", "    import time; time.sleep(0.1)\n    board", 1)


@pytest.fixture
def stack(redis_server: Stack) -> Iterator[Stack]:
    """Evaluation worker and league worker on the test's own database."""
    redis_server.database_url = database_url(connection.settings_dict)
    redis_server.start("evaluation", "league")
    redis_server.wait_for_worker()
    yield redis_server
    for name in ("evaluation", "league", "beat"):
        if name in redis_server.processes:
            redis_server.kill(name)


def bundle(**members: str) -> bytes:
    """A .tar.gz with these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def submitted(competition, source: str | bytes, name: str = "alice") -> Submission:
    upload = (
        Upload.from_source(source)
        if isinstance(source, str)
        else Upload.from_file("agent.tar.gz", source)
    )
    return submissions.submit(competition, make_user(name), upload).submission


def final(submission: Submission) -> Submission:
    """The submission once its validation has ended."""

    def ended() -> Submission | None:
        submission.refresh_from_db()
        return submission if submission.is_final else None

    return wait_for(ended, 60, f"a verdict on {submission}")


def pump(seconds: float, check) -> None:
    """Runs the sweeper, as the scheduler does, until the check holds."""

    def swept() -> bool:
        sweeper.sweep()
        return check()

    wait_for(swept, seconds)


class TestAnUpload:
    def test_becomes_a_rated_entrant_with_replays(self, stack: Stack) -> None:
        competition = make_competition()
        make_house_bots(competition)
        submission = final(submitted(competition, INSTANT))
        assert submission.status == "ACTIVE", (submission.verdict_message, stack.log())
        assert all(stage["state"] == "done" for stage in submission.stage_line())

        rating = wait_for(
            lambda: Rating.objects.filter(entrant__submission=submission, matches__gte=3).first(),
            60,
        )
        assert rating.wins + rating.draws + rating.losses == rating.matches
        rated = Episode.objects.filter(match__is_rated=True)
        episode = rated.filter(match__seats__submission=submission).first()  # house bots play, too
        from league.storage import read_replay_json

        replay = json.loads(read_replay_json(episode))
        assert replay["name"] == "connectx"
        assert len(replay["steps"]) == episode.steps
        assert any("alice" in name for name in replay["info"]["TeamNames"])
        competition.max_matches = 0  # an untouched ladder: nothing is played meanwhile
        competition.save()
        pump(60, lambda: not Match.objects.open().exists())
        assert ledger.recompute(competition).change < 1e-6

    def test_as_a_bundle_opens_its_data_file(self, stack: Stack) -> None:
        competition = make_competition()
        make_house_bots(competition)
        main = (
            "weights = open('/kaggle_simulations/agent/order.txt').read().split(',')\n"
            "def agent(obs, config):\n"
            "    return next(int(c) for c in weights if obs.board[int(c)] == 0)\n"
        )
        content = bundle(main__py=main, order__txt="3,2,4,1,5,0,6")
        submission = final(submitted(competition, content))
        assert submission.status == "ACTIVE", submission.verdict_message

    @pytest.mark.parametrize(
        ("source", "verdict"),
        [
            ("def agent(:\n", "syntax_error"),
            ("x = 1\n", "no_callable"),
            ("import no_such_module\ndef agent(o): return 0\n", "import_error"),
            ("1 / 0\ndef agent(o): return 0\n", "exception"),
            ("def agent(o): return 'left'\n", "invalid_action"),
        ],
    )
    def test_that_is_faulty_is_rejected_with_advice(self, stack, source, verdict) -> None:
        competition = make_competition()
        make_house_bots(competition)
        submission = final(submitted(competition, source))
        assert (submission.status, submission.verdict) == ("REJECTED", verdict)
        assert submission.advice
        assert submission.verdict_message
        assert not Entrant.objects.filter(submission=submission).exists()

    def test_without_main_py_is_rejected(self, stack: Stack) -> None:
        competition = make_competition()
        make_house_bots(competition)
        submission = final(submitted(competition, bundle(agent__py=INSTANT)))
        assert (submission.status, submission.verdict) == ("REJECTED", "bad_upload")
        assert "main.py" in submission.verdict_message


def rated_pair(competition) -> Match:
    """Two slow active entrants and the first match between them, sent to the workers."""

    seats = []
    for name in ("alice", "bob"):
        submission = final(submitted(competition, SLOW + f"# {name}\n", name))
        assert submission.status == "ACTIVE", submission.verdict_message
        seats.append(submission)
    competition.refresh_from_db()
    return send_match(competition, Match.Purpose.RATED, seats)


class TestAKilledWorker:
    @pytest.mark.slow  # tests/chaos kills workers in mid-match, too
    def test_in_mid_match_leads_to_exactly_one_result(self, stack: Stack) -> None:
        competition = make_competition(max_matches=0)  # nobody wants matches of their own accord
        match = rated_pair(competition)
        attempt = Attempt.objects.get(match=match)
        wait_for(lambda: stack.client().get(broker.claim_key(attempt.pk)))
        stack.kill("evaluation")
        stack.start("evaluation")

        def is_done() -> bool:
            match.refresh_from_db()
            return match.state == "DONE"

        pump(90, is_done)
        lost, done = match.attempts.order_by("number")
        assert (lost.state, done.state) == ("LOST", "DONE")
        assert "stopped" in lost.reason
        assert match.episodes.count() == 2
        assert sum(Rating.objects.values_list("matches", flat=True)) == 2
        assert sum(p.wins + p.draws + p.losses for p in PairCount.objects.all()) == 2

    @pytest.mark.slow
    def test_leaves_no_agent_behind(self, stack: Stack) -> None:
        competition = make_competition(max_matches=0)
        match = rated_pair(competition)
        attempt = Attempt.objects.get(match=match)
        wait_for(lambda: stack.client().get(broker.claim_key(attempt.pk)))
        worker = stack.processes["evaluation"].pid
        pids = wait_for(lambda: len(found := descendants_of(worker)) > BOXED and found)
        stack.kill("evaluation")
        wait_for(lambda: not any(map(is_running, pids)), 10, "the boxes to end")


def test_workers_obey_nobody_who_merely_has_redis(stack: Stack) -> None:
    from league.celery import app

    app.control.broadcast("shutdown")
    time.sleep(1)
    assert [stack.processes[name].poll() for name in ("evaluation", "league")] == [None, None]
    assert app.control.inspect(timeout=0.5).ping() is None


class TestAMessage:
    def test_delivered_five_times_gives_one_result(self, stack: Stack) -> None:

        competition = make_competition(max_matches=0)
        bots = make_house_bots(competition)
        match = make_match(competition, [bot.submission for bot in bots[:2]])
        os.kill(stack.processes["evaluation"].pid, signal.SIGSTOP)
        outbox.dispatch(match.pk)
        attempt = match.attempts.get()
        seats = list(match.seats.select_related("submission__team"))
        for _ in range(4):
            outbox.publish(match, attempt, seats)
        assert stack.client().llen(broker.RATED_QUEUE) >= 4
        os.kill(stack.processes["evaluation"].pid, signal.SIGCONT)
        wait_for(lambda: Match.objects.filter(pk=match.pk, state="DONE").exists(), 60)
        wait_for(lambda: stack.client().llen(broker.RATED_QUEUE) == 0)
        wait_for(lambda: stack.client().llen("league") == 0)
        assert match.episodes.count() == 2
        assert sum(Rating.objects.values_list("matches", flat=True)) == 2

    def test_that_was_never_published_is_swept_up(self, stack: Stack, settings) -> None:
        competition = make_competition(max_matches=0)
        bots = make_house_bots(competition)
        from django.utils import timezone

        match = make_match(competition, [bot.submission for bot in bots[:2]], state="DISPATCHED")
        long_ago = timezone.now() - timezone.timedelta(minutes=1)
        match.attempt_number = 1
        match.save()
        Attempt.objects.create(match=match, number=1, token="t" * 32, sent=long_ago)
        pump(60, lambda: Match.objects.filter(pk=match.pk, state="DONE").exists())
        assert match.attempts.count() == 1


class TestTheQueues:
    def test_a_first_submission_goes_before_rated_matches(self, stack: Stack) -> None:
        competition = make_competition(max_matches=0)
        bots = make_house_bots(competition)
        os.kill(stack.processes["evaluation"].pid, signal.SIGSTOP)
        for _ in range(6):
            send_match(competition, Match.Purpose.RATED, [bot.submission for bot in bots[:2]])
        newcomer = submitted(competition, INSTANT)
        wait_for(lambda: stack.client().llen(broker.FIRST_QUEUE) == 1)
        os.kill(stack.processes["evaluation"].pid, signal.SIGCONT)
        final(newcomer)
        wait_for(lambda: not Match.objects.open().exists(), 60)
        played_itself = Match.objects.get(candidate=newcomer, purpose="self_play")
        before = Match.objects.rated().filter(ended__lt=played_itself.ended)
        assert before.count() <= 1, "a worker that waited had the first one in its hands"
