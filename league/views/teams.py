"""Teams: my own with what its leader can do, following an invitation, anybody's public page."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from league import teams
from league.errors import LeagueError
from league.forms import TeamNameForm
from league.models import Entrant, Membership, Submission, Team
from league.views.fragments import Request
from league.views.lookup import find


@require_safe
@login_required
def mine(request: Request) -> HttpResponse:
    return _my_page(request)


def _my_page(request: Request, refused: LeagueError | None = None) -> HttpResponse:
    """The team's page, with why the last thing that was asked of it is refused."""
    team = teams.team_of(request.user)
    context = _shown(team) | {
        "form": TeamNameForm(initial={"name": team.name}),
        "is_leader": teams.is_leader(team, request.user),
        "error": refused,
    }
    status = refused.status if refused else 200
    return render(request, "league/team_mine.html", context, status=status)


def _shown(team: Team) -> dict[str, Any]:
    entrants = Entrant.objects.playing().filter(submission__team=team)
    return {
        "team": team,
        "members": team.memberships.select_related("user").order_by("created", "pk"),
        "entrants": entrants.select_related("submission__competition", "rating").order_by(
            "-competition__opens_at", "rating__is_provisional", "-rating__elo", "pk"
        ),
    }


@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    team = find(Team.objects.select_related("merged_into"), "team", pk=pk)
    return render(request, "league/team_detail.html", _shown(team))


@require_POST
@login_required
def invite(request: Request) -> HttpResponse:
    return _done(request, "The link below lets others join.", teams.invite, request.user)


@require_POST
@login_required
def revoke(request: Request) -> HttpResponse:
    return _done(request, "The link admits nobody any more.", teams.revoke, request.user)


@require_POST
@login_required
def leave(request: Request) -> HttpResponse:
    said = "You have left, and have a team of your own again."
    return _done(request, said, teams.leave, request.user, request.arrived)


@require_POST
@login_required
def rename(request: Request) -> HttpResponse:
    team, name = teams.team_of(request.user), request.POST.get("name", "")
    return _done(request, "The team has its new name.", teams.rename, request.user, team, name)


@require_POST
@login_required
def remove(request: Request, pk: int) -> HttpResponse:
    member = _member(request, pk)
    said = f"{member} is no longer in the team."
    return _done(request, said, teams.remove, request.user, member, "", request.arrived)


@require_POST
@login_required
def make_leader(request: Request, pk: int) -> HttpResponse:
    member = _member(request, pk)
    said = f"{member} leads the team now."
    return _done(request, said, teams.make_leader, request.user, member)


def _member(request: Request, pk: int) -> User:
    """Somebody in the team of whoever asks; everybody else is none of their business."""
    rows = Membership.objects.filter(team=teams.team_of(request.user)).select_related("user")
    return find(rows, "member of your team", user=pk).user


def _done(request: Request, said: str, verb: Any, *args: Any) -> HttpResponse:
    """Carries a verb out and goes back to the team's page, or stays there and says why not."""
    try:
        verb(*args)
    except LeagueError as refused:
        return _my_page(request, refused)
    messages.success(request, said)
    return redirect("team")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def join(request: Request, code: str) -> HttpResponse:
    """Shows what following the invitation will do; a POST does it."""
    refused: LeagueError | None = None
    offer = teams.offer(request.user, code, request.arrived)
    if request.method == "POST":
        try:
            done = teams.join(
                request.user,
                code,
                whole_team=request.POST.get("whole_team") == "yes",
                arrived=request.arrived,
            )
        except LeagueError as error:
            refused = error
        else:
            messages.success(request, _welcome(offer.into, done.retired))
            return redirect("team")
    context = {"code": code, "offer": offer, "error": refused or offer.obstacle}
    return render(request, "league/team_join.html", context, status=_status(refused))


def _status(refused: LeagueError | None) -> int:
    return refused.status if refused else 200


def _welcome(team: Team, retired: list[Submission]) -> str:
    gone = ", ".join(row.label for row in retired)
    return f"You are in {team} now.{f' Retired: {gone}.' if gone else ''}"
