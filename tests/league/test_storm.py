"""All verbs against all others from many threads: nothing waits in a circle, the books add up."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.models import Model, QuerySet
from django.utils import timezone

from evaluation import broker
from league import (
    competitions,
    finals,
    halts,
    ledger,
    live,
    matches,
    matchmaking,
    outbox,
    submissions,
    sweeper,
    tasks,
    teams,
    validation,
)
from league.errors import LeagueError
from league.models import Attempt, Competition, Entrant, Match, Submission
from league.submissions import Upload
from tests.factories import make_competition, make_entrant, make_house_bots, make_staff, make_user
from tests.league.test_matches import episode_result, result_of
from tests.league.test_outbox import worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
THREADS, SECONDS = 8, 20.0
ENDS = [(1, -1), (-1, 1), (0, 0)]


class Storm:
    """What may happen to a league, in methods that each do it to a row of chance."""

    def __init__(self) -> None:
        self.competitions = [
            make_competition(f"c{n}", daily_limit=10_000, active_limit=3, max_team_size=0)
            for n in range(2)
        ]
        self.users = [make_user(f"user{n}") for n in range(8)]
        self.staff = make_staff()
        for competition in self.competitions:
            make_house_bots(competition)
            for user in self.users:
                make_entrant(competition, user)

    def some(self, rows: QuerySet) -> Any:
        keys = list(rows.values_list("pk", flat=True)[:300])
        row: Model | None = rows.model.objects.get(pk=random.choice(keys)) if keys else None
        if row is None:
            raise LeagueError("There is none at the moment.")
        return row

    def competition(self) -> Competition:
        return Competition.objects.get(pk=random.choice(self.competitions).pk)

    def attempt(self) -> Attempt:
        return self.some(Attempt.objects.filter(state="SENT"))

    def submission(self, *states: str) -> Submission:
        return self.some(Submission.objects.filter(status__in=states).exclude(kind="house"))

    def match(self, **fields: Any) -> Match:
        return self.some(Match.objects.rated().filter(**fields))

    def record(self) -> None:
        attempt = self.attempt()
        count = len(outbox.seatings(attempt.match, 2))
        played = [episode_result(random.choice(ENDS)) for _ in range(count)]
        broken = random.choice([None] * 8 + [{"put_back": "no box"}, {"fault": "no space"}])
        body = result_of(attempt, **broken) if broken else result_of(attempt, *played)
        for _ in range(random.choice((1, 1, 2))):
            matches.record(body)

    def progress(self) -> None:
        attempt = self.attempt()
        tasks.record_progress(attempt.pk, attempt.token, "unpacked", 1.0)

    def submit(self) -> None:
        upload = Upload.from_source(f"def agent(o):\n    return 0  # {random.random()}\n")
        submissions.submit(self.competition(), random.choice(self.users), upload)

    def retire(self) -> None:
        if Submission.objects.filter(status="ACTIVE").count() > 12:
            submissions.retire(self.submission("ACTIVE"), self.staff)

    def sweep(self) -> None:
        sweeper._mend_clock(timezone.now())
        sweeper._begin_validations(timezone.now())
        outbox.fill()

    def pause(self) -> None:
        competition = self.competition()
        competitions.pause(competition, self.staff, "storm")
        competitions.resume(competition, self.staff, "storm")

    def halt(self) -> None:
        halts.halt(self.staff, "storm")
        outbox.fill()
        halts.lift(self.staff, "storm")

    def join(self) -> None:
        host, guest = random.sample(self.users, 2)
        teams.join(guest, teams.invite(host), whole_team=True)

    def verbs(self) -> list[Callable[[], object]]:
        anybody = ("ACTIVE", "RETIRED", "VALIDATING", "PENDING")
        return [
            *[self.record] * 6,
            *[
                self.progress,
                self.submit,
                self.retire,
                self.sweep,
                self.pause,
                self.halt,
                self.join,
            ],
            *[lambda: validation.begin(self.submission("PENDING").pk)] * 2,
            lambda: matches.fail(self.attempt(), Attempt.State.LOST, "stopped"),
            lambda: submissions.disqualify(self.submission(*anybody), self.staff, "storm"),
            *[lambda: submissions.reinstate(self.submission("DISQUALIFIED"), self.staff, "")] * 2,
            lambda: matches.void(self.match(is_rated=True, is_void=False), self.staff, "storm"),
            lambda: matches.run_again(self.match(state="DONE"), self.staff, "storm"),
            lambda: matches.cancel(self.match(state="QUEUED"), self.staff, "storm"),
            lambda: matchmaking.pair(self.competition()),
            lambda: ledger.catch_up(self.competition()),
            lambda: ledger.rebuild(self.competition()),
            lambda: ledger.recompute(self.competition()),
            lambda: finals.lock(self.competition()),
            lambda: teams.leave(random.choice(self.users)),
        ]


@pytest.fixture
def storm() -> Iterator[Storm]:
    broker.report_worker(live.client(), "w1", worker(concurrency=4))
    live.client().persist(broker.worker_key("w1"))
    return Storm()


def test_nothing_waits_in_a_circle_and_the_books_add_up(storm: Storm) -> None:
    errors: Counter[str] = Counter()
    until, verbs = time.monotonic() + SECONDS, storm.verbs()

    def blow() -> None:
        try:
            while time.monotonic() < until:
                try:
                    random.choice(verbs)()
                except LeagueError:
                    pass  # refused, and nothing changed
                except Exception as error:
                    errors[f"{type(error).__name__}: {error}"[:200]] += 1
                    connections.close_all()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=blow) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    check_books(storm)
    check_states()


def check_books(storm: Storm) -> None:
    for competition in storm.competitions:
        ledger.catch_up(competition)
        assert ledger.check(competition) == []
        assert ledger.recompute(competition).differences == 0


def check_states() -> None:
    done = Match.objects.filter(state="DONE")
    assert done.exists()
    for match in done:
        assert match.episodes.count() == len(outbox.seatings(match, 2))
        assert match.attempts.filter(state="DONE").count() == 1
    for match in Match.objects.filter(state="DISPATCHED"):
        assert match.attempts.get(state="SENT").number == match.attempt_number
    assert not Attempt.objects.filter(state="SENT").exclude(match__state="DISPATCHED").exists()
    for entrant in Entrant.objects.select_related("submission"):
        assert (entrant.left is None) == (entrant.submission.status == "ACTIVE")
        assert entrant.is_disqualified == (entrant.submission.status == "DISQUALIFIED")
    playing = Submission.objects.filter(status="ACTIVE", team__is_house=False)
    by_team = Counter(playing.values_list("team", "competition"))
    assert max(by_team.values(), default=0) <= 3
