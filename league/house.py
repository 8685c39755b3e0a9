"""House bots: the environment's own agents on a competition's ladder, one of them its anchor."""

import hashlib

from django.utils import timezone

import evaluation
from league import entrants, teams
from league.models import Competition, Submission

BOTS = ("random", "tactical", "negamax", "alphabeta")
ANCHOR = "tactical"


def enlist(competition: Competition) -> int:
    """Enters the house bots that are not there yet; returns how many. A retired one stays away."""
    offered = evaluation.make(competition.environment, competition.configuration).agents
    new = [_enlist_bot(competition, name) for name in BOTS if name in offered]
    if competition.anchor is None:
        bots = competition.submissions.filter(kind=Submission.Kind.HOUSE)
        competition.anchor = bots.filter(builtin=ANCHOR).first() or bots.order_by("pk").first()
        competition.save(update_fields=["anchor"])
    return sum(new)


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
