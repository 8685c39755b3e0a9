"""How a submission fares on the ladder: its ratings over time, and opponent by opponent."""

from datetime import datetime
from typing import Any

from ninja import Query, Router
from pydantic import BaseModel, Field

from league import matchups
from league.api.auth import ApiRequest
from league.api.pages import Window, window_of
from league.api.routing import PUBLIC, answers
from league.api.submissions import find_submission
from league.models import Ladder, RatingPoint

router = Router(tags=["submissions"])


class RatingOut(BaseModel):
    rating: float
    rating_low: float = Field(description="Lower end of the 95 % interval.")
    rating_high: float
    matches: int = Field(description="Played by then; from 0 again in the final evaluation.")
    match: int | None = Field(description="The newest match that it takes into account.")
    at: datetime

    @classmethod
    def of(cls, point: RatingPoint) -> "RatingOut":
        return cls(
            rating=round(point.elo, 2),
            rating_low=round(point.elo - 1.96 * point.se, 2),
            rating_high=round(point.elo + 1.96 * point.se, 2),
            matches=point.matches,
            match=point.match_id,
            at=point.created,
        )


class RatingsPage(BaseModel):
    items: list[RatingOut]
    count: int


class MatchupOut(BaseModel):
    submission: int = Field(description="The opponent.")
    team: str
    label: str
    matches: int
    scored: float = Field(description="Share of the points, 0 to 1.")
    expected: float = Field(description="What the two ratings let expect over both seats.")
    error: float = Field(description="Standard deviation of their difference by chance.")
    beyond_chance: bool = Field(
        description="Whether the difference is larger than chance makes any of this list, 19 "
        "times out of 20."
    )

    @classmethod
    def of(cls, row: matchups.Matchup) -> "MatchupOut":
        return cls(
            submission=row.submission.pk,
            team=row.submission.team.name,
            label=row.submission.label,
            matches=row.matches,
            scored=round(row.scored, 4),
            expected=round(row.expected, 4),
            error=round(row.error, 4),
            beyond_chance=row.is_beyond_chance,
        )


class MatchupsPage(BaseModel):
    items: list[MatchupOut]
    count: int


@router.get("/{int:id}/ratings", response=answers(404, ok=RatingsPage), **PUBLIC)
def get_ratings(request: ApiRequest, id: int, window: Query[Window]) -> dict[str, Any]:
    """Every published rating of a submission, the newest first."""
    points = RatingPoint.objects.filter(entrant__submission=find_submission(id))
    part, count = window_of(points.order_by("-pk"), window)
    return {"items": [RatingOut.of(point) for point in part], "count": count}


@router.get("/{int:id}/matchups", response=answers(404, ok=MatchupsPage), **PUBLIC)
def get_matchups(request: ApiRequest, id: int, window: Query[Window]) -> dict[str, Any]:
    """Opponent by opponent what was scored and what was expected, the most played first."""
    submission = find_submission(id)
    entrant = getattr(submission, "entrant", None)
    ladder = Ladder.objects.shown(submission.competition_id)
    rows = matchups.matchups(submission, entrant.rating, ladder) if entrant else []
    part = rows[window.offset : window.offset + window.limit]
    return {"items": [MatchupOut.of(row) for row in part], "count": len(rows)}
