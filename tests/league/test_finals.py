"""The final evaluation: who is in it, when it begins, and that only its own games count."""

import hashlib
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from evaluation import broker
from league import (
    finals,
    house,
    ledger,
    live,
    matches,
    matchmaking,
    outbox,
    ratings,
    submissions,
    watchman,
)
from league.errors import Conflict, Forbidden
from league.models import Alert, AuditEntry, Ladder, Match, PairCount, Phase, Rating
from league.submissions import Upload
from tests.factories import (
    make_competition,
    make_entrant,
    make_match,
    make_staff,
    make_submission,
    make_user,
    send_match,
)
from tests.league.test_ledger import play
from tests.league.test_matches import episode_result, result_of
from tests.league.test_outbox import worker

pytestmark = pytest.mark.django_db
NAMES = ("alice", "bob", "carl", "dora")


@pytest.fixture
def league():
    """Four entrants with games behind them; the deadline passed a minute ago."""
    broker.report_worker(live.client(), "w1", worker())
    competition = make_competition()
    field = [make_entrant(competition, make_user(name)) for name in NAMES]
    for stronger, weaker in ((0, 1), (1, 2), (2, 3), (0, 3)):
        play(competition, field[stronger], field[weaker], (1, -1), (-1, 1))
    ratings.refit(competition)
    competition.deadline = timezone.now() - finals.ON_THEIR_WAY
    competition.opens_at = competition.deadline - timedelta(days=1)
    competition.save()
    return competition, field


def test_the_field_is_frozen_by_a_hash_that_anybody_can_make(league):
    competition, field = league
    assert competition.phase == Phase.FINAL
    assert [finals.lock(due) for due in finals.due()] == [True]
    assert not finals.due()
    ladder = Ladder.objects.get()
    lines = "".join(f"{e.submission_id} {e.submission.sha256}\n" for e in field)
    assert ladder.field_hash == hashlib.sha256(lines.encode()).hexdigest()
    assert AuditEntry.objects.get(action="lock").reason == f"4 entrants, field {ladder.field_hash}"


def test_only_games_of_the_final_count_and_the_qualifying_stays_known(league):
    competition, field = league
    elos = dict(Rating.objects.values_list("entrant", "elo"))
    finals.lock(competition)
    assert set(Rating.objects.values_list("matches", "rank")) == {(0, None)}
    assert not PairCount.objects.exists()
    assert dict(Rating.objects.values_list("entrant", "qualifying_elo")) == elos
    assert Rating.objects.get(entrant=field[0]).qualifying_rank == 1
    play(competition, field[3], field[0], (1, -1), (-1, 1))  # the weakest wins this time
    ledger.catch_up(competition)
    assert Ladder.objects.get().episodes == 2
    assert Rating.objects.get(entrant=field[3]).rank == 1
    assert ledger.recompute(competition) == ledger.Recount(0.0, 0, 2)


def test_pairing_goes_on_with_the_final_only_after_the_lock(league):
    competition, _ = league
    assert matchmaking.pair(competition) == 0
    finals.lock(competition)
    assert matchmaking.pair(competition) > 0
    assert set(Match.objects.open().values_list("stage", flat=True)) == {"final"}


def test_nothing_of_before_may_be_under_way(league):
    competition, field = league
    late = send_match(competition, Match.Purpose.RATED, [e.submission for e in field[:2]])
    waiting = make_match(competition, [e.submission for e in field[2:]])
    candidate = make_submission(competition, make_user("emil"), "VALIDATING")
    assert not finals.lock(competition)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("ABORTED", finals.BEGUN)
    assert finals.waits_for(competition) == "1 validation and 1 match"
    matches.record(result_of(late.attempts.get(), episode_result(), episode_result()))
    assert finals.waits_for(competition) == "1 validation"
    submissions.activate(candidate)
    ratings.refit(competition)
    assert finals.lock(competition)
    assert Rating.objects.filter(qualifying_elo__isnull=False).count() == 5


def test_uploads_on_their_way_have_a_minute(league):
    competition, _ = league
    competition.deadline = timezone.now() - timedelta(seconds=30)
    assert not finals.lock(competition)
    assert finals.waits_for(competition) == "uploads that began in time"


def test_a_lock_that_waits_for_an_hour_raises_an_alert(league, django_capture_on_commit_callbacks):
    competition, _ = league
    make_submission(competition, make_user("emil"), "PENDING")
    competition.deadline -= timedelta(hours=2)
    with django_capture_on_commit_callbacks(execute=True):
        assert not finals.lock(competition)
    assert "1 validation" in Alert.objects.get(code="lock_waits").message


class TestALockedField:
    @pytest.fixture
    def locked(self, league):
        competition, field = league
        finals.lock(competition)
        return competition, field

    def test_takes_no_upload_that_began_in_time_and_ended_after_it(self, locked):
        upload = Upload.from_source("def agent(o):\n    return 0\n")
        in_time, emil = locked[0].deadline - timedelta(seconds=1), make_user("emil")
        with pytest.raises(Conflict, match="locked"):
            submissions.submit(locked[0], emil, upload, arrived=in_time)

    def test_takes_no_submission(self, locked):
        upload = Upload.from_source("def agent(o):\n    return 0\n")
        with pytest.raises(Forbidden, match="deadline"):
            submissions.submit(locked[0], make_user("emil"), upload)

    def test_lets_nobody_retire(self, locked):
        _, field = locked
        with pytest.raises(Conflict, match="locked"):
            submissions.retire(field[0].submission, make_user("alice"))
        assert field[0].submission.entrant.left is None

    def test_can_lose_a_cheat_and_take_back_one_that_was_in_it(self, locked):
        competition, field = locked
        play(competition, field[0], field[1], (1, -1), (-1, 1))
        submissions.disqualify(field[0].submission, make_staff(), "cheats")
        ledger.catch_up(competition)
        assert Ladder.objects.get().episodes == 0
        submissions.reinstate(field[0].submission, make_staff(), "did not")
        ledger.catch_up(competition)
        assert Ladder.objects.get().episodes == 2

    def test_is_not_thinned_out_by_a_lower_active_limit(self, league):
        competition, field = league
        second = make_entrant(competition, make_user("alice"))
        ratings.refit(competition)
        assert finals.lock(competition)
        type(competition).objects.update(active_limit=1)
        submissions.disqualify(second.submission, make_staff(), "cheats")
        second.submission.refresh_from_db()
        submissions.reinstate(second.submission, make_staff(), "did not")
        field[0].submission.refresh_from_db()
        assert field[0].submission.status == "ACTIVE"
        assert finals.field_hash(competition) == Ladder.objects.get().field_hash

    def test_takes_nobody_back_who_was_not_in_it(self, league):
        competition, field = league
        submissions.disqualify(field[0].submission, make_staff(), "cheats")
        ledger.catch_up(competition)
        assert finals.lock(competition)
        with pytest.raises(Conflict, match="locked"):
            submissions.reinstate(field[0].submission, make_staff(), "too late")
        field[0].submission.refresh_from_db()
        assert field[0].submission.status == "DISQUALIFIED"

    def test_keeps_its_deadline(self, locked):
        competition, _ = locked
        competition.deadline = timezone.now() + timedelta(days=1)
        with pytest.raises(ValidationError, match="locked"):
            competition.full_clean()

    def test_ends_with_the_competition(self, locked):
        competition, _ = locked
        competition.closes_at = timezone.now()
        assert matchmaking.pair(competition) == 0


class TestWhatIsOfAnotherStage:
    def test_does_not_count_in_the_final(self, league):
        """What a race with the lock might leave."""
        competition, field = league
        late = send_match(competition, Match.Purpose.RATED, [e.submission for e in field[:2]])
        finals._freeze(Ladder.objects.locked(competition.pk))
        assert matches.record(result_of(late.attempts.get(), episode_result(), episode_result()))
        assert Ladder.objects.get().episodes == 0
        assert ledger.recompute(competition).differences == 0

    def test_is_not_sent_out_after_the_end(self, league):
        competition, field = league
        finals.lock(competition)
        seats = [entrant.submission for entrant in field[:2]]
        match = outbox.schedule(competition, Match.Purpose.RATED, seats)
        type(competition).objects.update(closes_at=timezone.now())
        assert not outbox.dispatch(match.pk)
        match.refresh_from_db()
        assert (match.state, match.reason) == ("ABORTED", "The competition has closed.")


def test_no_house_bot_enters_a_locked_field(league):
    competition, _ = league
    finals.lock(competition)
    assert house.enlist(competition) == 0
    assert finals.field_hash(competition) == Ladder.objects.get().field_hash


def test_a_final_that_could_not_begin_in_time_is_told(league):
    competition, _ = league
    assert watchman.missed_final() == ""
    type(competition).objects.update(closes_at=timezone.now())
    assert not any(finals.lock(due) for due in finals.due())
    assert "Connectx" in watchman.missed_final()
