"""The leaderboard: a row per entrant, or only each team's best."""

from typing import Any, Literal

from ninja import Query, Router
from pydantic import BaseModel, Field

from league.api import pages
from league.api.auth import ApiRequest
from league.api.competitions import find_competition
from league.api.routing import PUBLIC, answers
from league.models import Entrant

router = Router(tags=["competitions"])


class LeaderboardRow(BaseModel):
    rank: int | None = Field(description="Null until the first fit after it entered.")
    rank_low: int | None
    rank_high: int | None
    team: str
    is_house_bot: bool
    submission: int
    label: str = Field(description="A house bot's name, or # and the submission.")
    rating: float
    rating_low: float = Field(description="Lower end of the 95 % interval.")
    rating_high: float
    provisional: bool
    matches: int
    wins: int
    draws: int
    losses: int

    @classmethod
    def of(cls, entrant: Entrant) -> "LeaderboardRow":
        rating, submission = entrant.rating, entrant.submission
        return cls(
            rank=rating.rank,
            rank_low=rating.rank_low,
            rank_high=rating.rank_high,
            team=submission.team.name,
            is_house_bot=submission.team.is_house,
            submission=submission.pk,
            label=submission.label,
            rating=round(rating.elo, 2),
            rating_low=round(rating.elo_low, 2),
            rating_high=round(rating.elo_high, 2),
            provisional=rating.is_provisional,
            matches=rating.matches,
            wins=rating.wins,
            draws=rating.draws,
            losses=rating.losses,
        )


class LeaderboardPage(BaseModel):
    items: list[LeaderboardRow]
    count: int


class LeaderboardWindow(pages.Window):
    per: Literal["submission", "team"] = Field(
        "submission", description="`team` leaves only each team's best row."
    )


@router.get("/{slug:slug}/leaderboard", response=answers(404, ok=LeaderboardPage), **PUBLIC)
def get_leaderboard(
    request: ApiRequest, slug: str, window: Query[LeaderboardWindow]
) -> dict[str, Any]:
    """The ladder, the best first; ranks are those among all entrants."""
    competition = find_competition(slug)
    rows = Entrant.objects.ranked(competition)
    if window.per == "team":
        rows = rows.best_of_teams()
    part, count = pages.window_of(rows, window)
    return {"items": [LeaderboardRow.of(entrant) for entrant in part], "count": count}
