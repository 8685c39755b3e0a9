"""What a new league starts with: demo competitions with house bots, and an administrator."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

import evaluation
from league import house
from league.models import AuditEntry, Competition

SEEDED = "seed"
CLOCKS = {"actTimeout": 2, "remainingOverageTime": 60, "runTimeout": 1200}
# Of five hundred moves: agents that use all of it keep a worker busy for six minutes an episode.
SHORT_CLOCKS = {"actTimeout": 0.25, "remainingOverageTime": 60, "runTimeout": 600}
BOXED = (
    "Your agent plays boxed: no network, no files but its own, one private folder to write in. "
    "NumPy is there. It has {} for a move and a bank of 60 seconds for all that take longer."
)
FAIR_PLAY = (
    "Every match is two episodes with the seats swapped, so nobody gains from moving first. "
    "A crash, an illegal move or an empty clock loses the episode.\n\n" + BOXED.format("2 seconds")
)
COLONY_RULES = (
    "Two colonies share a map without edges, each around a nest of its own. Members find food and "
    "carry it home; they live on what they find, have children and die, and those who carry leave "
    "a trail that everybody can follow. Your agent sees what all of its living members see, and "
    "moves them all at once. After 500 steps the colony that has brought home more items wins.\n\n"
    "Every match is two episodes with the seats swapped, so nobody gains from where a nest lies. "
    "A crash, an illegal action or an empty clock makes the colony stand still for the rest of the "
    "episode, and loses it.\n\n" + BOXED.format("a quarter of a second")
)
COMPETITIONS: tuple[dict[str, Any], ...] = (
    {
        "slug": "connectx",
        "title": "ConnectX",
        "summary": "Drop checkers into seven columns; four in a row win.",
        "environment": "connectx",
        "configuration": {"rows": 6, "columns": 7, "inarow": 4, **CLOCKS},
        "rules": "Two players drop checkers in turn into one of seven columns of six cells. "
        "Four in a row, across, up or diagonally, win; a full board is a draw.\n\n" + FAIR_PLAY,
    },
    {
        "slug": "tictactoe",
        "title": "Tic-tac-toe",
        "summary": "Three in a row on nine cells: small enough to try anything.",
        "environment": "tictactoe",
        "configuration": CLOCKS,
        "rules": "Two players mark cells of a three by three board in turn. Three in a row win; "
        "a full board is a draw.\n\n" + FAIR_PLAY,
    },
    {
        "slug": "foraging",
        "title": "Foraging",
        "summary": "Two colonies on one map: lead yours to bring home more food than the other.",
        "environment": "foraging",
        "configuration": SHORT_CLOCKS,
        "max_matches": 60,  # of two seconds each; chance decides little in five hundred steps
        "rules": COLONY_RULES,
    },
)


@transaction.atomic
def seed() -> None:
    """Adds what is not there yet. What an organiser has changed or deleted stays that way."""
    for fields in COMPETITIONS:
        if not is_seeded(fields["slug"]) and fields["environment"] in evaluation.environments:
            seed_competition(fields)
    if not User.objects.filter(Q(is_superuser=True) | Q(username="admin")).exists():
        create_admin(Path(settings.DATA_DIR) / "admin-password")


def is_seeded(slug: str) -> bool:
    return AuditEntry.objects.filter(action=SEEDED, target=slug).exists()


def seed_competition(fields: dict[str, Any]) -> None:
    if Competition.objects.filter(slug=fields["slug"]).exists():
        return
    competition = Competition(**fields)
    competition.full_clean()
    competition.save()
    house.enlist(competition)
    AuditEntry.log(None, SEEDED, fields["slug"])


def create_admin(password_file: Path) -> None:
    """Its password is in a file that only the owner of the league reads."""
    password = secrets.token_urlsafe(12)
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password + "\n")
    User.objects.create_superuser("admin", password=password)
