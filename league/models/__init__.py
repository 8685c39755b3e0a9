"""The nouns of the league: fields, constraints and reads. Their verbs are modules of their own."""

from league.models.competition import Clock, Competition, Phase
from league.models.entrant import (
    PROVISIONAL_MATCHES,
    PROVISIONAL_SE,
    Entrant,
    Rating,
    RatingPoint,
)
from league.models.episode import Episode, EpisodeSeat
from league.models.ladder import Ladder, PairCount, Stage
from league.models.match import Attempt, Match, MatchSeat
from league.models.records import (
    Alert,
    ApiToken,
    AuditEntry,
    Halt,
    IdempotencyRecord,
    Invitation,
)
from league.models.submission import STAGE_LABELS, STAGES, Submission
from league.models.team import Membership, Team

__all__ = [
    "PROVISIONAL_MATCHES",
    "PROVISIONAL_SE",
    "STAGES",
    "STAGE_LABELS",
    "Alert",
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "Clock",
    "Competition",
    "Entrant",
    "Episode",
    "EpisodeSeat",
    "Halt",
    "IdempotencyRecord",
    "Invitation",
    "Ladder",
    "Match",
    "MatchSeat",
    "Membership",
    "PairCount",
    "Phase",
    "Rating",
    "RatingPoint",
    "Stage",
    "Submission",
    "Team",
]
