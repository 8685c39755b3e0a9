"""How long it still takes until a rating is known well: matches by its error, minutes by the pace.

The matches come from the standard error (`evaluation.ladder.pairing`). The minutes come from what
was measured: the pace of the competition in its newest matches, and the entrant's share of them.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from evaluation.ladder import pairing
from evaluation.ladder.elo import Rating as Known
from league import halts
from league.models import Competition, Entrant, Ladder, Match, MatchSeat, Rating

WINDOW = timedelta(minutes=10)
NEWEST = 200  # matches at most that the pace is measured by
# A share is measured over few matches; the even share counts as much as so many of them.
EVEN_SHARE_MATCHES = 10


@dataclass(frozen=True)
class Pace:
    """Matches of a competition that ended within `minutes`; how many of them were the entrant's."""

    matches: int
    own: int
    minutes: float


@dataclass(frozen=True)
class Outlook:
    """matches: until the rating counts as settled. minutes: None while nothing is being played."""

    matches: int
    minutes: int | None
    se_limit: float
    pace: Pace


def outlook(entrant: Entrant, competition: Competition, ladder: Ladder) -> Outlook:
    se_limit = competition.settle_limit(ladder.stage)
    needs = _needs(competition, se_limit)
    matches, pace = needs.get(entrant.pk, 0), _pace(entrant, competition)
    contenders = sum(1 for need in needs.values() if need)
    minutes = _minutes(matches, pace, contenders) if _is_playing(competition) else None
    return Outlook(matches, minutes, se_limit, pace)


def _needs(competition: Competition, se_limit: float) -> dict[int, int]:
    """Matches that each entrant of the ladder still needs."""
    rows = Rating.objects.filter(entrant__competition=competition, entrant__left=None)
    found = list(rows.values_list("entrant", "elo", "se", "matches"))
    known = [Known(elo, se) for _, elo, se, _ in found]
    boundary = pairing.boundary_weights(known, competition.prize_cut)
    return {
        pk: pairing.matches_to_settle(
            rating, matches,
            boundary=weight, se_limit=se_limit, max_matches=competition.max_matches,
        )
        for (pk, _, _, matches), rating, weight in zip(found, known, boundary, strict=True)
    }  # fmt: skip


def _is_playing(competition: Competition) -> bool:
    return not competition.is_paused and halts.current() is None


def _pace(entrant: Entrant, competition: Competition) -> Pace:
    now = timezone.now()
    done = Match.objects.rated().filter(competition=competition, state=Match.State.DONE)
    newest = done.order_by("-pk").values_list("pk", "ended")[:NEWEST]
    ended = {pk: end for pk, end in newest if end and end > now - WINDOW}
    own = MatchSeat.objects.filter(submission=entrant.submission_id, match__in=ended).count()
    begin = min(ended.values()) if len(ended) == NEWEST else now - WINDOW
    return Pace(len(ended), own, (now - begin).total_seconds() / 60)


def _minutes(matches: int, pace: Pace, contenders: int) -> int | None:
    """Contenders: entrants that still need matches; a match serves two of them."""
    if not pace.matches:
        return None
    even = min(1.0, 2 / max(contenders, 1))
    share = (pace.own + EVEN_SHARE_MATCHES * even) / (pace.matches + EVEN_SHARE_MATCHES)
    return max(1, round(matches * pace.minutes / (pace.matches * share))) if matches else 0
