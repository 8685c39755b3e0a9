"""Reads for pages: who leads, how much is played, what was played last, for many competitions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.db.models import Count, F, OuterRef, Subquery, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from league import charts, finals
from league.models import Competition, Entrant, Episode, Ladder, Match, Phase, Stage

TOP = 5
COUNT_KEPT_S = 30


@dataclass(frozen=True)
class Standing:
    """What the home page shows of one competition."""

    competition: Competition
    ladder: Ladder | None
    top: list[Entrant]
    entrants: int
    episodes_today: int
    newest: Episode | None

    @property
    def lock_waits(self) -> str | None:
        return lock_waits(self.competition, self.ladder)

    @property
    def scale(self) -> charts.Scale:
        return charts.ladder_scale([entrant.rating for entrant in self.top])


def standings(competitions: Sequence[Competition]) -> list[Standing]:
    """One Standing each; the number of queries does not depend on how many there are."""
    ids = [competition.pk for competition in competitions]
    top, entrants = _top(ids), _entrants(ids)
    episodes, newest = episodes_today(), newest_episodes(ids)
    ladders = Ladder.objects.in_bulk(ids)
    return [
        Standing(
            competition=c,
            ladder=ladders.get(c.pk),
            top=top[c.pk],
            entrants=entrants.get(c.pk, 0),
            episodes_today=episodes.get(c.pk, 0),
            newest=newest.get(c.pk),
        )
        for c in competitions
    ]


def lock_waits(competition: Competition, ladder: Ladder | None) -> str | None:
    """Between deadline and lock: what of before it is still under way, perhaps nothing."""
    is_locked = ladder is not None and ladder.stage == Stage.FINAL
    if is_locked or competition.phase != Phase.FINAL:
        return None
    return finals.waits_for(competition)


def _top(ids: Sequence[int]) -> dict[int, list[Entrant]]:
    place = Window(
        RowNumber(),
        partition_by=F("competition_id"),
        order_by=("rating__is_provisional", "-rating__elo", "pk"),
    )
    rows = Entrant.objects.playing().filter(competition__in=ids).annotate(place=place)
    top: dict[int, list[Entrant]] = defaultdict(list)
    for entrant in rows.filter(place__lte=TOP).select_related("submission__team", "rating"):
        top[entrant.competition_id].append(entrant)
    for entrants in top.values():
        entrants.sort(key=lambda e: (e.rating.is_provisional, -e.rating.elo, e.pk))
    return top


def _entrants(ids: Sequence[int]) -> dict[int, int]:
    rows = Entrant.objects.playing().filter(competition__in=ids).order_by()
    return dict(rows.values_list("competition_id").annotate(Count("pk")))


def episodes_today() -> dict[int, int]:
    """Episodes of the last 24 hours by competition. Kept for seconds: counting reads many rows."""
    counts: dict[str, int] = cache.get_or_set("episodes-today", _count_episodes, COUNT_KEPT_S) or {}
    return {int(pk): count for pk, count in counts.items()}


def _count_episodes() -> dict[str, int]:
    day_ago = timezone.now() - timedelta(days=1)
    rows = Episode.objects.filter(created__gte=day_ago).order_by()
    counted = rows.values_list("match__competition_id").annotate(Count("pk"))
    return {str(pk): count for pk, count in counted}


def newest_episodes(competition_ids: Iterable[int]) -> dict[int, Episode]:
    """The newest rated episode of each competition, by competition."""
    played = Match.objects.rated().filter(
        competition=OuterRef("pk"), state=Match.State.DONE, is_void=False
    )
    newest = (
        Competition.objects.filter(pk__in=competition_ids)
        .order_by()
        .values_list(Subquery(played.order_by("-pk").values("pk")[:1]))
    )
    rows = Episode.objects.filter(match__in=[pk for (pk,) in newest if pk]).order_by("number")
    rows = rows.select_related("match").prefetch_related("seats__submission__team")
    return {episode.match.competition_id: episode for episode in rows}
