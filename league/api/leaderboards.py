"""The leaderboard: a row per entrant, or only each team's best."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Query, Router
from pydantic import BaseModel, Field

from league.api import pages
from league.api.auth import ApiRequest
from league.api.competitions import find_competition
from league.api.routing import PUBLIC, answers, one_of
from league.models import Entrant, Ladder, Stage

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
    crash_share: float = Field(description="Share of its episodes that ended by its own fault.")
    qualifying_rank: int | None = Field(
        description="Its rank when the field was locked for the final evaluation."
    )

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
            crash_share=round(rating.crash_share, 4),
            qualifying_rank=rating.qualifying_rank,
        )


class LeaderboardPage(BaseModel):
    items: list[LeaderboardRow]
    count: int
    stage: Annotated[Stage, one_of(Stage)] = Field(
        description="In the final evaluation only its own games count."
    )
    locked_at: datetime | None = Field(description="When the field of the final was frozen.")
    field_hash: str | None = Field(description="SHA-256 over the field and its uploads.")
    fitted_at: datetime | None = Field(description="Null, like all below, until the first fit.")
    log_position: int | None = Field(description="The newest episode that the fit knows.")
    data_hash: str | None = Field(description="SHA-256 over the pair counts that were fitted.")
    rules_version: str | None
    seat_advantage: float | None = Field(description="What moving first is worth, in Elo.")
    seat_advantage_low: float | None = Field(description="Lower end of its 95 % interval.")
    seat_advantage_high: float | None


def fit_of(ladder: Ladder) -> dict[str, Any]:
    """What the ratings were computed from; nulls until the first fit."""
    reach = 1.96 * ladder.seat_advantage_se
    facts = {
        "fitted_at": ladder.fitted_at,
        "log_position": ladder.fitted_position,
        "data_hash": ladder.data_hash,
        "rules_version": ladder.rules_version,
        "seat_advantage": round(ladder.seat_advantage, 2),
        "seat_advantage_low": round(ladder.seat_advantage - reach, 2),
        "seat_advantage_high": round(ladder.seat_advantage + reach, 2),
    }
    return facts if ladder.fitted_at else dict.fromkeys(facts)


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
    ladder = Ladder.objects.shown(competition.pk)
    return {
        "items": [LeaderboardRow.of(entrant) for entrant in part],
        "count": count,
        "stage": ladder.stage,
        "locked_at": ladder.locked_at,
        "field_hash": ladder.field_hash or None,
        **fit_of(ladder),
    }
