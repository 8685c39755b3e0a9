"""The episode log as the only truth: counts and tables are held against it and made again from it.

Log rows of one ladder get their numbers under its lock, so that all up to a position are there.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from league import alerts, ratings
from league.models import (
    AuditEntry,
    Competition,
    Entrant,
    EpisodeSeat,
    Ladder,
    MatchSeat,
    PairCount,
    Rating,
)
from league.queue import later

logger = logging.getLogger(__name__)

NO_REWARD = Value(-1e300)  # what a fault leaves: below all that an episode may give
TRIES = 3
RESULTS = ("wins", "draws", "losses")

PairKey = tuple[int, int]
Table = dict[int, dict[str, float]]


def _no_results() -> list[float]:
    return [0.0, 0.0, 0.0]


@dataclass
class Tallies:
    """What a part of the log adds up to. pairs: [wins, draws, losses] by (first, second) entrant.

    table: the counters of each entrant. episodes: how many. position: the highest of their numbers.
    """

    pairs: dict[PairKey, list[float]] = field(default_factory=partial(defaultdict, _no_results))
    table: Table = field(default_factory=partial(defaultdict, partial(defaultdict, float)))
    episodes: int = 0
    position: int = 0

    def add(self, other: "Tallies") -> None:
        for key, results in other.pairs.items():
            self.pairs[key] = [a + b for a, b in zip(self.pairs[key], results, strict=True)]
        for entrant, counters in other.table.items():
            for name, value in counters.items():
                self.table[entrant][name] += value
        self.episodes += other.episodes
        self.position = max(self.position, other.position)


def tally(ladder: Ladder, after: int = 0, upto: int = 2**63 - 1) -> Tallies:
    """Adds up the log from one position to another; the database does it, in plain joins.

    A database that has not yet counted its rows would plan nested subqueries for empty tables.
    """
    log = _Log(ladder, after, upto)
    entrants = dict(
        Entrant.objects.filter(competition=ladder.competition_id).values_list("submission", "pk")
    )
    found = Tallies()
    weight = 2 / ladder.competition.seats
    for first, second, *results in _pair_rows(log.episode_seats()):
        found.pairs[entrants[first], entrants[second]] = [count * weight for count in results]
    for names, rows in (
        (("matches", *RESULTS), _match_rows(log.match_seats())),
        (("crashes", "first_seats", "spent_s"), _seat_rows(log.episode_seats())),
    ):
        for submission, *values in rows:
            found.table[entrants[submission]].update(zip(names, values, strict=True))
    whole = log.episode_seats().aggregate(
        count=Count("episode", distinct=True), last=Max("episode")
    )
    found.episodes, found.position = whole["count"], whole["last"] or 0
    return found


@dataclass(frozen=True)
class _Log:
    """The part of the log that a ladder counts, from after one position up to another."""

    ladder: Ladder
    after: int
    upto: int

    def episode_seats(self) -> QuerySet[EpisodeSeat]:
        seats = EpisodeSeat.objects.filter(
            episode__gt=self.after, episode__lte=self.upto, **self._counted("episode__match__")
        )
        return seats.exclude(episode__match__in=self._taken_out()).order_by()

    def match_seats(self) -> QuerySet[MatchSeat]:
        """All episodes of a match are written at once: the first one tells where it stands."""
        seats = MatchSeat.objects.filter(
            match__episodes__number=0,
            match__episodes__gt=self.after,
            match__episodes__lte=self.upto,
            **self._counted("match__"),
        )
        return seats.exclude(match__in=self._taken_out()).order_by()

    def _counted(self, match: str) -> dict[str, Any]:
        return {
            f"{match}competition": self.ladder.competition_id,
            f"{match}stage": self.ladder.stage,
            f"{match}is_rated": True,
            f"{match}is_void": False,
        }

    def _taken_out(self) -> QuerySet[Any, Any]:
        """The matches of who is disqualified."""
        banned = Entrant.objects.filter(
            competition=self.ladder.competition_id, is_disqualified=True
        ).values_list("submission", flat=True)
        return MatchSeat.objects.filter(submission__in=list(banned)).values("match")


def _pair_rows(seats: QuerySet[EpisodeSeat]) -> Iterable[tuple[Any, ...]]:
    mine = Coalesce("reward", NO_REWARD)
    pairs = seats.filter(episode__seats__number__gt=F("number")).annotate(
        lead=mine - Coalesce("episode__seats__reward", NO_REWARD)
    )
    return (
        pairs.values_list("submission", "episode__seats__submission")
        .annotate(
            wins=Count("pk", filter=Q(lead__gt=0)),
            draws=Count("pk", filter=Q(lead=0)),
            losses=Count("pk", filter=Q(lead__lt=0)),
        )
        .iterator()
    )


def _match_rows(seats: QuerySet[MatchSeat]) -> Iterable[tuple[Any, ...]]:
    return seats.values_list("submission").annotate(
        matches=Count("pk"),
        wins=Count("pk", filter=Q(score__gt=0.5)),
        draws=Count("pk", filter=Q(score=0.5)),
        losses=Count("pk", filter=Q(score__lt=0.5)),
    )


def _seat_rows(seats: QuerySet[EpisodeSeat]) -> Iterable[tuple[Any, ...]]:
    return seats.values_list("submission").annotate(
        crashes=Count("pk", filter=~Q(verdict="")),
        first_seats=Count("pk", filter=Q(number=0)),
        spent_s=Coalesce(Sum("spent_s"), 0.0),
    )


# Held against the log


def check(competition: Competition) -> list[str]:
    """What does not add up between the ladder's count of episodes, its pairs and its table.

    Cheap: it does not read the log. Each episode is one there, seats - 1 in the pairs' weights, and
    a match of `seats` episodes is one in the table of each of its entrants.
    """
    with transaction.atomic():
        ladder = Ladder.objects.locked(competition.pk)
        if ladder.is_rebuild_due:
            return []
        pairs, table = _sums(competition)
    sums = {
        "the pairs hold": round(pairs / (competition.seats - 1), 6),
        "the table holds": table["matches"],
        "the table has results of": table["results"],
    }
    return [
        f"{ladder.episodes} episodes were counted, {what} {number:g}."
        for what, number in sums.items()
        if number != ladder.episodes
    ]


def _sums(competition: Competition) -> tuple[float, dict[str, int]]:
    results = Sum(F("wins") + F("draws") + F("losses"))
    pairs = PairCount.objects.filter(competition=competition).aggregate(sum=Coalesce(results, 0.0))
    rows = Rating.objects.filter(entrant__competition=competition)
    table = rows.aggregate(matches=Coalesce(Sum("matches"), 0), results=Coalesce(results, 0))
    return pairs["sum"], table


def watch(competition: Competition) -> bool:
    """Looks whether all adds up; if not, an alert tells it, and the log is counted again."""
    wrong = check(competition)
    if wrong:
        message = f"The ladder of {competition} is counted again: {' '.join(wrong)}"
        alerts.raise_alert("counts_differ", message, competition.slug)
        ask_for_rebuild(competition.pk)
    return not wrong


@dataclass(frozen=True)
class Recount:
    """change: of a rating, in Elo points. differences: rows that did not equal the log."""

    change: float
    differences: int
    episodes: int


def recompute(competition: Competition) -> Recount:
    """Counts and ratings again from the log, also while matches go on.

    What the ladder holds and what the log says up to the same position are fitted and compared;
    then the log is written over whatever differed.
    """
    ratings.refit(competition)
    with transaction.atomic():
        ladder = Ladder.objects.locked(competition.pk)
        snapshot = ratings.snapshot(ladder)
        published = dict(_published(competition)) if ladder.is_fitted else {}
    found = tally(ladder, upto=ladder.logged_position)
    from_log = ratings.fitted(snapshot.with_counts(found.pairs))
    before = published or {pk: r.elo for pk, r in ratings.fitted(snapshot).ratings.items()}
    change = max((abs(from_log.ratings[pk].elo - elo) for pk, elo in before.items()), default=0.0)
    return Recount(change, rebuild(competition), found.episodes)


def _published(competition: Competition) -> Any:
    rows = Rating.objects.filter(entrant__competition=competition, entrant__is_disqualified=False)
    return rows.values_list("entrant_id", "elo")


# Made again from the log


def rebuild(competition: Competition) -> int:
    """Pair counts and tables again from the log; how many rows did not equal it.

    The long part is read while matches go on; only what came meanwhile is read under the lock. If
    a match was made void or somebody disqualified in between, it is read once more.
    """
    for attempt in range(TRIES):
        ladder = Ladder.objects.of(competition.pk)
        found = tally(ladder, upto=ladder.logged_position)
        with transaction.atomic():
            current = Ladder.objects.locked(competition.pk)
            if current.revision == ladder.revision:
                found.add(tally(current, after=ladder.logged_position))
            elif attempt == TRIES - 1:
                found = tally(current)
            else:
                continue
            differences = _write(current, found)
        break
    ratings.refit(competition)
    return differences


def _write(ladder: Ladder, found: Tallies) -> int:
    differences = _write_pairs(ladder.competition_id, found) + _write_table(ladder, found)
    Ladder.objects.filter(pk=ladder.pk).update(
        episodes=found.episodes,
        logged_position=max(found.position, ladder.logged_position),
        revision=F("revision") + 1,
        is_rebuild_due=False,
    )
    return differences


def _write_pairs(competition_id: int, found: Tallies) -> int:
    """Only what differs is written."""
    rows = {
        (row.first_id, row.second_id): row
        for row in PairCount.objects.filter(competition=competition_id)
    }
    gone = [row.pk for key, row in rows.items() if key not in found.pairs]
    changed, new = [], []
    for (first, second), results in found.pairs.items():
        row = rows.get((first, second))
        values = dict(zip(RESULTS, results, strict=True))
        if row is None:
            row = PairCount(competition_id=competition_id, first_id=first, second_id=second)
            _set(row, values)
            new.append(row)
        elif _set(row, values):
            changed.append(row)
    for start in range(0, len(gone), 500):
        PairCount.objects.filter(pk__in=gone[start : start + 500]).delete()
    PairCount.objects.bulk_update(changed, RESULTS, batch_size=200)
    PairCount.objects.bulk_create(new, batch_size=500)
    return len(gone) + len(changed) + len(new)


def _write_table(ladder: Ladder, found: Tallies) -> int:
    rows = Rating.objects.filter(entrant__competition=ladder.competition_id)
    nothing = dict.fromkeys(ratings.TALLIES, 0)
    changed = [
        row for row in rows if _set(row, nothing | found.table.get(row.entrant_id, {}))
    ]  # fmt: skip
    Rating.objects.bulk_update(changed, ratings.TALLIES, batch_size=200)
    return len(changed)


def _set(row: Any, values: dict[str, float]) -> bool:
    """Whether anything had to be set: sums of seconds may differ in their last digits."""
    different = {n: v for n, v in values.items() if abs(getattr(row, n) - v) > 1e-6}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)


def ask_for_rebuild(competition_id: int) -> None:
    """Noted on the ladder, so that it is made up for where the message is lost."""
    Ladder.objects.get_or_create(competition_id=competition_id)
    Ladder.objects.filter(competition_id=competition_id).update(
        is_rebuild_due=True, revision=F("revision") + 1
    )
    later("league.rebuild", competition_id)


def catch_up(competition: Competition) -> bool:
    """A rebuild if one is due, else a fit; False if there was nothing to do."""
    if Ladder.objects.filter(competition=competition, is_rebuild_due=True).exists():
        rebuild(competition)
        return True
    return ratings.refit(competition) and watch(competition)


@transaction.atomic
def recompute_by_hand(competition: Competition, actor: Any, reason: str) -> None:
    """An organiser asks for it: done by the league worker, and noted."""
    AuditEntry.log(actor, "recompute", competition, reason)
    ask_for_rebuild(competition.pk)
