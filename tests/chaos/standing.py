"""Run as a process: leaves something in every state that is not final, and nobody at work on it.

Takes the hours by which all stamps then lie in the future (negative: in the past). Prints as JSON
the tokens of the people, and what stands.
"""

import hashlib
import json
import secrets
import sys
from datetime import timedelta
from typing import Any

from tests.chaos import populate
from tests.chaos.names import INSTANT, PEOPLE, SLUG, SUBMIT_PATH

DAY_S = 86_400


class Standing:
    """Everything that somebody has left standing in a league."""

    def __init__(self) -> None:
        from league.models import Competition

        # Nobody pairs: what stands is all that there is.
        Competition.objects.update(max_matches=0)
        self.competition = Competition.objects.get(slug=SLUG)
        self.agents = 0

    # Submissions

    def pending(self) -> Any:
        """Its message is lost."""
        from league import submissions
        from league.submissions import Upload
        from tests.factories import make_user

        self.agents += 1
        upload = Upload.from_source(INSTANT.format(place=-1) + f"# {self.agents}\n")
        # One a person: an older one would leave the ladder for a newer one.
        user = make_user(f"author{self.agents}")
        return submissions.submit(self.competition, user, upload).submission

    def postponed(self) -> Any:
        from django.utils import timezone

        submission = self.pending()
        submission.retry_at = timezone.now() + timedelta(minutes=2)
        submission.save()
        return submission

    def validating_without_a_match(self) -> Any:
        submission = self.pending()
        submission.status = "VALIDATING"
        submission.save()
        return submission

    # Matches and attempts

    def queued(self, state: str = "QUEUED", **fields: Any) -> Any:
        from tests.factories import make_match

        bots = self.competition.submissions.filter(kind="house").order_by("pk")[:2]
        return make_match(self.competition, list(bots), state, purpose="rated", **fields)

    def backed_off(self) -> Any:
        from django.utils import timezone

        return self.queued(not_before=timezone.now() + timedelta(minutes=5))

    def sent(self) -> Any:
        """Its message is lost, nobody has claimed it."""
        return self.send(self.queued("DISPATCHED", attempt_number=1))

    def send(self, match: Any) -> Any:
        from django.utils import timezone

        from league.models import Attempt

        token = secrets.token_urlsafe(24)
        Attempt.objects.create(match=match, number=1, token=token, sent=timezone.now())
        return match

    def claimed(self, lease: str = "", lease_s: int = DAY_S) -> Any:
        """Its worker is gone, and its lease with it, unless one is given."""
        from evaluation import broker
        from league import live

        match = self.sent()
        attempt = match.attempts.get().pk
        live.client().set(broker.claim_key(attempt), "a worker", ex=DAY_S)
        if lease:
            live.client().set(broker.lease_key(attempt), lease, ex=lease_s)
        return match

    def playing_for_ever(self) -> Any:
        return self.claimed("playing")

    def finished_and_not_recorded(self) -> Any:
        return self.claimed("finished", lease_s=3)

    # Ladders and requests

    def fit_claimed(self) -> Any:
        """Whoever was fitting is gone, and there is something to fit."""
        from django.utils import timezone

        from league import ratings
        from league.models import Ladder

        ladder = Ladder.objects.get(competition=self.competition)
        ladder.fitting_until = timezone.now() + ratings.FIT_LEASE
        ladder.save()
        return ladder

    def rebuild_due(self) -> Any:
        """In another competition, so that both are seen."""
        from league import house
        from league.models import Ladder
        from tests.factories import make_competition

        other = make_competition("connectx", max_matches=0)
        house.enlist(other)
        ladder = Ladder.objects.get(competition=other)
        ladder.is_rebuild_due = True
        ladder.save()
        return ladder

    def deadline_passed(self) -> Any:
        """The field is to be locked, and the match that it waits for is with nobody."""
        from django.utils import timezone

        from league import house
        from league.models import Ladder
        from tests.factories import make_competition, make_match

        long_ago = timezone.now() - timedelta(days=2)
        ended = make_competition(
            "rps", environment="rps", max_matches=0,
            opens_at=long_ago, deadline=long_ago + timedelta(days=1),
        )  # fmt: skip
        house.enlist(ended)
        bots = list(ended.submissions.order_by("pk")[:2])
        self.send(make_match(ended, bots, "DISPATCHED", purpose="rated", attempt_number=1))
        return Ladder.objects.get(competition=ended)

    def request_without_an_answer(self) -> Any:
        from league.models import IdempotencyRecord
        from tests.factories import make_user

        body = json.dumps({"source": INSTANT.format(place=0)}).encode()
        return IdempotencyRecord.objects.create(
            user=make_user(PEOPLE[0]),
            path=SUBMIT_PATH,
            key="killed",
            body_sha256=hashlib.sha256(body).hexdigest(),
        )


def main() -> None:
    populate.begin()
    tokens = populate.people_with_tokens()
    hours = float(sys.argv[1])
    found = leave_standing(is_past=hours < 0)

    from tests.chaos.stamps import shift_stamps

    shift_stamps(timedelta(hours=hours), "default")
    print(json.dumps({"tokens": tokens} | found))


def leave_standing(is_past: bool) -> dict[str, dict[str, int]]:
    """By kind and by what has happened to it: the key of a row."""
    from league import live

    standing = Standing()
    submissions = [standing.pending, standing.postponed, standing.validating_without_a_match]
    matches = [
        standing.queued, standing.backed_off, standing.sent, standing.claimed,
        standing.finished_and_not_recorded,
    ]  # fmt: skip
    ladders = [standing.fit_claimed, standing.rebuild_due, standing.deadline_passed]
    if is_past:  # else its time begins when the clock goes on
        matches.append(standing.playing_for_ever)
    found = {"submissions": {make.__name__: make().pk for make in submissions}}
    live.client().flushall()
    found["matches"] = {make.__name__: make().pk for make in matches}
    found["ladders"] = {make.__name__: make().pk for make in ladders}
    standing.request_without_an_answer()
    return found


if __name__ == "__main__":
    main()
