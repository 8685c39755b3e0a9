"""Matches: what was scheduled, sent and played, newest first."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Query, Router
from pydantic import BaseModel, Field

from league.api.auth import ApiRequest
from league.api.competitions import find_competition
from league.api.pages import MAX_ID, Window, window_of
from league.api.routing import PUBLIC, answers, one_of
from league.errors import NotFound
from league.limits import PlayLimits, of_episode
from league.models import Attempt, Episode, EpisodeSeat, Match, MatchSeat

in_competition = Router(tags=["matches"])
router = Router(tags=["matches"])


class AttemptOut(BaseModel):
    number: int
    state: Annotated[Attempt.State, one_of(Attempt.State)]
    reason: str
    sent: datetime
    ended: datetime | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptOut":
        return cls(
            number=attempt.number,
            state=Attempt.State(attempt.state),
            reason=attempt.reason,
            sent=attempt.sent,
            ended=attempt.ended,
        )


class EpisodeSeatOut(BaseModel):
    seat: int
    submission: int
    status: str
    reward: float | None
    score: float | None = Field(description="1 for a win, 0.5 for a draw, 0 for a loss.")
    verdict: str
    verdict_reason: str
    verdict_message: str
    advice: str
    bank_left_s: float | None
    slowest_move_s: float | None
    cpu_s: float | None = Field(description="Processor time of its moves, where it was boxed.")
    delay_s: float | None = Field(description="Its wait for a processor, where it was boxed.")

    @classmethod
    def of(cls, seat: EpisodeSeat) -> "EpisodeSeatOut":
        return cls(
            seat=seat.number,
            submission=seat.submission_id,
            status=seat.status,
            reward=seat.reward,
            score=seat.score,
            verdict=seat.verdict,
            verdict_reason=seat.verdict_reason,
            verdict_message=seat.verdict_message,
            advice=seat.advice,
            bank_left_s=seat.bank_left_s,
            slowest_move_s=seat.slowest_move_s,
            cpu_s=seat.cpu_s,
            delay_s=seat.delay_s,
        )


class EpisodeOut(BaseModel):
    id: int
    match: int
    number: int = Field(description="Its place in the match, from 0.")
    steps: int
    seconds: float
    is_overloaded: bool = Field(
        description="The machine did too much at once: the agents waited for a processor for more "
        "than a fifth of the time."
    )
    level: str = Field(description="Isolation level A, B or C; empty if nothing was boxed.")
    limits: PlayLimits
    cause: str
    created: datetime
    seats: list[EpisodeSeatOut]

    @classmethod
    def of(cls, episode: Episode) -> "EpisodeOut":
        return cls(
            id=episode.pk,
            match=episode.match_id,
            number=episode.number,
            steps=episode.steps,
            seconds=episode.seconds,
            is_overloaded=episode.is_overloaded,
            level=episode.level,
            limits=of_episode(episode),
            cause=episode.cause,
            created=episode.created,
            seats=[EpisodeSeatOut.of(seat) for seat in episode.seats.all()],
        )


class MatchSeatOut(BaseModel):
    seat: int = Field(description="Its seat in the first episode.")
    submission: int
    team: str
    status: str
    verdict: str
    verdict_reason: str
    verdict_message: str
    advice: str
    score: float | None = Field(description="Mean over the episodes; null until played.")
    reward: float | None
    rating_change: float | None

    @classmethod
    def of(cls, seat: MatchSeat) -> "MatchSeatOut":
        return cls(
            seat=seat.number,
            submission=seat.submission_id,
            team=seat.submission.team.name,
            status=seat.status,
            verdict=seat.verdict,
            verdict_reason=seat.verdict_reason,
            verdict_message=seat.verdict_message,
            advice=seat.advice,
            score=seat.score,
            reward=seat.reward,
            rating_change=None if seat.rating_change is None else round(seat.rating_change, 2),
        )


class MatchOut(BaseModel):
    id: int
    competition: str
    purpose: Annotated[Match.Purpose, one_of(Match.Purpose)]
    state: Annotated[Match.State, one_of(Match.State)]
    reason: str = Field(description="Why it waits or was given up.")
    is_rated: bool = Field(description="It counts in the ratings.")
    created: datetime
    ended: datetime | None
    attempts: list[AttemptOut]
    episodes: list[EpisodeOut]
    seats: list[MatchSeatOut]

    @classmethod
    def of(cls, match: Match) -> "MatchOut":
        episodes = sorted(match.episodes.all(), key=lambda episode: episode.number)
        return cls(
            id=match.pk,
            competition=match.competition.slug,
            purpose=Match.Purpose(match.purpose),
            state=Match.State(match.state),
            reason=match.reason,
            is_rated=match.is_rated,
            created=match.created,
            ended=match.ended,
            attempts=[AttemptOut.of(attempt) for attempt in match.attempts.all()],
            episodes=[EpisodeOut.of(episode) for episode in episodes],
            seats=[MatchSeatOut.of(seat) for seat in match.seats.all()],
        )


class MatchPage(BaseModel):
    items: list[MatchOut]
    count: int


class MatchWindow(Window):
    state: Annotated[Match.State, one_of(Match.State)] | None = Field(
        None, description="Only matches in this state."
    )
    submission: int | None = Field(
        None, ge=1, le=MAX_ID, description="Only matches of this submission."
    )


@in_competition.get("/{slug:slug}/matches", response=answers(404, ok=MatchPage), **PUBLIC)
def list_matches(request: ApiRequest, slug: str, window: Query[MatchWindow]) -> dict[str, Any]:
    """The competition's matches, those of validations too (see `purpose`), the newest first."""
    rows = Match.objects.filter(competition=find_competition(slug)).order_by("-pk")
    if window.state:
        rows = rows.filter(state=window.state)
    if window.submission:
        rows = rows.filter(seats__submission=window.submission).distinct()
    part, count = window_of(rows.for_display().prefetch_related("attempts"), window)
    return {"items": [MatchOut.of(match) for match in part], "count": count}


@router.get("/{int:id}", response=answers(404, ok=MatchOut), **PUBLIC)
def get_match(request: ApiRequest, id: int) -> MatchOut:
    """A match with its attempts, episodes and seats."""
    match = Match.objects.filter(pk=id).for_display().prefetch_related("attempts").first()
    if match is None:
        raise NotFound(f"There is no match {id}.")
    return MatchOut.of(match)
