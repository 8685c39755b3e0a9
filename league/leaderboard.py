"""The leaderboard as page and CSV show it: entrants, and what a row needs beside the rating."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from league import ties
from league.models import Competition, Entrant, Ladder, RatingPoint

DAY = timedelta(days=1)

CSV_HEAD = (
    "rank", "rank_low", "rank_high", "team", "submission", "label", "is_house_bot", "rating",
    "rating_low", "rating_high", "standard_error", "provisional", "change_24h", "matches", "wins",
    "draws", "losses", "crash_share", "qualifying_rank", "qualifying_rating", "submitted",
)  # fmt: skip
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Row:
    """change: of the rating within a day, in Elo; None where no older rating is known."""

    entrant: Entrant
    change: float | None
    level: list[ties.Run]


def entrants_of(competition: Competition, *, per_team: bool = False) -> QuerySet[Entrant]:
    rows = Entrant.objects.ranked(competition)
    return rows.best_of_teams() if per_team else rows


def with_text(rows: QuerySet[Entrant], text: str) -> QuerySet[Entrant]:
    """Teams and house bots whose name has the text, or the submission with this number."""
    if not text:
        return rows
    by_text = Q(submission__team__name__icontains=text) | Q(submission__builtin__icontains=text)
    if text.lstrip("#").isdecimal():
        by_text |= Q(submission__pk=int(text.lstrip("#")[:18]))
    return rows.filter(by_text)


def rows_of(entrants: Sequence[Entrant], field: ties.Field, ladder: Ladder | None) -> list[Row]:
    changes = day_changes(entrants, ladder)
    return [Row(e, changes.get(e.pk), field.level(e.pk)) for e in entrants]


def day_changes(entrants: Sequence[Entrant], ladder: Ladder | None) -> dict[int, float]:
    """By entrant, how far its rating has moved in 24 hours: one query, however many there are.

    Who has been on the ladder for less is compared with its first rating. A rating from before
    the lock counts other games, so that nothing is compared with it.
    """
    points = RatingPoint.objects.filter(entrant=OuterRef("pk"))
    if ladder and ladder.locked_at:
        points = points.filter(created__gte=ladder.locked_at)
    a_day_ago = points.filter(created__lte=timezone.now() - DAY).order_by("-pk")
    found = Entrant.objects.filter(pk__in=[entrant.pk for entrant in entrants]).order_by()
    earlier = found.values_list(
        "pk",
        Subquery(a_day_ago.values("elo")[:1]),
        Subquery(points.order_by("pk").values("elo")[:1]),
    )
    before = {pk: first if old is None else old for pk, old, first in earlier}
    return {
        entrant.pk: entrant.rating.elo - elo
        for entrant in entrants
        if (elo := before.get(entrant.pk)) is not None
    }


def csv_rows(entrants: Iterable[Entrant], changes: dict[int, float]) -> Iterator[tuple[Any, ...]]:
    """Below `CSV_HEAD`: whole ladder, the best first; what is not known is empty."""
    for entrant in entrants:
        rating, submission = entrant.rating, entrant.submission
        yield (
            rating.rank, rating.rank_low, rating.rank_high,
            plain_cell(submission.team.name), submission.pk, plain_cell(submission.label),
            submission.team.is_house,
            *(round(elo, 2) for elo in (rating.elo, rating.elo_low, rating.elo_high, rating.se)),
            rating.is_provisional, _rounded(changes.get(entrant.pk)),
            rating.matches, rating.wins, rating.draws, rating.losses,
            round(rating.crash_share, 4), rating.qualifying_rank, _rounded(rating.qualifying_elo),
            submission.created.isoformat(timespec="seconds"),
        )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def plain_cell(text: str) -> str:
    """A team may call itself `=1+1`: a spreadsheet must not run it."""
    return f"'{text}" if text.startswith(FORMULA_MARKS) else text
