"""House bots: the environment's own agents on a competition's ladder, one of them its anchor."""

import hashlib
from inspect import isfunction

from django.utils import timezone

import evaluation
from league import entrants, finals, teams
from league.models import Competition, Submission

MOST = 4
BOTS = ("random", "tactical", "negamax", "alphabeta")
ANCHOR = "tactical"
ANCHORS = (ANCHOR, "greedy")  # neither weak nor strong; a game that has none of them: its first bot


def enlist(competition: Competition) -> int:
    """Enters the house bots that are not there yet; returns how many. A retired one stays away,
    and nobody enters a field that is locked."""
    if finals.is_locked(competition):
        return 0
    new = [_enlist_bot(competition, name) for name in _chosen(competition.environment)]
    if competition.anchor is None:
        bots = competition.submissions.filter(kind=Submission.Kind.HOUSE).order_by("pk")
        anchors = (bot for name in ANCHORS for bot in bots.filter(builtin=name))
        competition.anchor = next(anchors, bots.first())
        competition.save(update_fields=["anchor"])
    return sum(new)


def _chosen(environment: str) -> list[str]:
    """Ours, where the game has our anchor; else those of its agents that are plain functions."""
    offered = evaluation.environments.game(environment).agents
    ours = [name for name in BOTS if name in offered]
    if ANCHOR in ours:
        return ours
    theirs = [name for name, agent in offered.items() if isfunction(agent) and name not in ours]
    return [*ours, *theirs][:MOST]


def _enlist_bot(competition: Competition, name: str) -> bool:
    now = timezone.now()
    submission, is_new = Submission.objects.get_or_create(
        competition=competition,
        team=teams.house_team(),
        sha256=hashlib.sha256(f"builtin:{competition.environment}:{name}".encode()).hexdigest(),
        defaults={
            "kind": Submission.Kind.HOUSE,
            "status": Submission.Status.ACTIVE,
            "status_since": now,
            "created": now,
            "builtin": name,
        },
    )
    if is_new:
        entrants.enter(submission)
    return is_new
