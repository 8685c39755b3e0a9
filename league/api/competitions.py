"""Competitions: what is played, under which rules, and what is left for the caller today."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from ninja import Query, Router
from pydantic import BaseModel, Field

from league import quota, submissions
from league.api.auth import ApiRequest
from league.api.pages import Window, window_of
from league.api.routing import PUBLIC, answers, one_of
from league.errors import NotFound
from league.limits import PlayLimits, fields_of
from league.models import Competition, Phase, Team

router = Router(tags=["competitions"])


class LimitsOut(PlayLimits):
    daily: int = Field(description="Submissions a team may send a day (UTC).")
    used_today: int | None = Field(description="By your team; null without a token.")
    left_today: int | None
    resets_at: datetime
    active: int = Field(description="So many of a team's newest active submissions play.")
    upload_bytes: int
    closed_reason: str = Field(description="Why nothing is taken now; empty while it is.")

    @classmethod
    def of(
        cls, competition: Competition, limits: submissions.Limits, is_known: bool
    ) -> "LimitsOut":
        return cls(
            daily=limits.daily,
            used_today=limits.used_today if is_known else None,
            left_today=limits.left_today if is_known else None,
            resets_at=limits.resets_at,
            active=limits.active_limit,
            upload_bytes=settings.MAX_UPLOAD_BYTES,
            closed_reason=limits.closed_reason,
            **fields_of(competition),
        )


class CompetitionOut(BaseModel):
    slug: str
    title: str
    summary: str
    environment: str
    environment_version: str
    configuration: dict[str, Any] = Field(description="With the environment's defaults filled in.")
    rules: str
    phase: Annotated[Phase, one_of(Phase)]
    is_paused: bool
    opens_at: datetime
    deadline: datetime | None
    closes_at: datetime | None
    takes_urls: bool
    max_team_size: int = Field(description="Members of a team that enters; 0 for any number.")
    requires_verified_email: bool = Field(description="Of who submits.")
    prize_cut: int
    limits: LimitsOut

    @classmethod
    def of(cls, competition: Competition, limits: LimitsOut) -> "CompetitionOut":
        return cls(
            slug=competition.slug,
            title=competition.title,
            summary=competition.summary,
            environment=competition.environment,
            environment_version=competition.environment_version,
            configuration=competition.full_configuration,
            rules=competition.rules,
            phase=competition.phase,
            is_paused=competition.is_paused,
            opens_at=competition.opens_at,
            deadline=competition.deadline,
            closes_at=competition.closes_at,
            takes_urls=competition.allow_urls,
            max_team_size=competition.max_team_size,
            requires_verified_email=competition.requires_verified_email,
            prize_cut=competition.prize_cut,
            limits=limits,
        )


class CompetitionPage(BaseModel):
    items: list[CompetitionOut]
    count: int


def find_competition(slug: str) -> Competition:
    competition = Competition.objects.filter(slug=slug).first()
    if competition is None:
        raise NotFound(f"There is no competition {slug[:60]!r}.")
    return competition


@router.get("", response=answers(ok=CompetitionPage), **PUBLIC)
def list_competitions(request: ApiRequest, window: Query[Window]) -> dict[str, Any]:
    """All competitions, the newest first."""
    rows = Competition.objects.order_by("-opens_at", "-pk")
    part, count = window_of(rows, window)
    return {"items": with_limits(part, request.auth.user), "count": count}


@router.get("/{slug:slug}", response=answers(404, ok=CompetitionOut), **PUBLIC)
def get_competition(request: ApiRequest, slug: str) -> CompetitionOut:
    """One competition, with what is left for you today if you send a token."""
    return with_limits([find_competition(slug)], request.auth.user)[0]


def with_limits(
    competitions: Sequence[Competition], user: User | AnonymousUser
) -> list[CompetitionOut]:
    """Each with its limits, and how many submissions of today the caller's team has used."""
    shared = [submissions.limits(competition, AnonymousUser()) for competition in competitions]
    is_known = user.is_authenticated
    used = quota.used_today(Team.objects.of(user)) if is_known else {}
    return [
        CompetitionOut.of(
            competition,
            LimitsOut.of(
                competition, replace(limits, used_today=used.get(competition.pk, 0)), is_known
            ),
        )
        for competition, limits in zip(competitions, shared, strict=True)
    ]
