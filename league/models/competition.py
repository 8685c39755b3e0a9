"""A competition: one environment, version and configuration with its rules, dates and limits."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

import evaluation
from evaluation import packages
from evaluation.errors import InvalidArgument
from evaluation.spec import Specification
from league.models.ladder import Ladder, Stage

PAIR = 2  # seats of a match


class Phase(models.TextChoices):
    UPCOMING = "upcoming", "Upcoming"
    OPEN = "open", "Open"
    FINAL = "final", "Final evaluation"
    CLOSED = "closed", "Closed"


class Clock(models.TextChoices):
    CHARGED = "charged", "the agent's own time"
    WALL = "wall", "wall time"


class CompetitionQuerySet(models.QuerySet["Competition"]):
    def live(self) -> "CompetitionQuerySet":
        """Those whose ladder may still move."""
        return self.filter(is_paused=False).exclude(closes_at__lte=timezone.now())


class Competition(models.Model):
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=80)
    summary = models.CharField(max_length=200, blank=True)
    rules = models.TextField(blank=True, help_text="Shown as plain paragraphs.")
    # No choices: the registry knows the games, and a new game must not need a migration.
    environment = models.CharField(max_length=64)
    environment_version = models.CharField(max_length=32, blank=True, editable=False)
    configuration = models.JSONField(
        default=dict, blank=True, help_text="Keys that differ from the environment's defaults."
    )
    opens_at = models.DateTimeField(default=timezone.now)
    deadline = models.DateTimeField(null=True, blank=True, help_text="Last moment to submit.")
    closes_at = models.DateTimeField(null=True, blank=True, help_text="Last rated match.")
    is_paused = models.BooleanField(default=False)
    daily_limit = models.PositiveIntegerField(default=5)
    active_limit = models.PositiveIntegerField(default=2)
    max_team_size = models.PositiveIntegerField(
        default=5, help_text="Members of a team that enters; 0 for any number."
    )
    requires_verified_email = models.BooleanField(
        "verified e-mail",
        default=False,
        help_text="Only who has confirmed an e-mail address may submit.",
    )
    prize_cut = models.PositiveIntegerField(default=10)
    allow_urls = models.BooleanField(
        "URL agents",
        default=True,
        help_text="May an entrant name the address of a server instead of uploading code? "
        "Only addresses on the public Internet, unless URL_AGENT_ALLOW_PRIVATE names more.",
    )
    startup_s = models.FloatField(
        "start-up limit (s)",
        default=10.0,
        validators=[MinValueValidator(0.5), MaxValueValidator(300)],
        help_text="What an agent may take to be imported, before its first move; more is "
        "taken from its bank.",
    )
    memory_mb = models.PositiveIntegerField(
        "memory limit (MB)",
        default=1024,
        validators=[MinValueValidator(256)],
        help_text="Of each agent. Python with NumPy needs 145 of it.",
    )
    clock = models.CharField(
        max_length=8,
        choices=Clock.choices,
        default=Clock.CHARGED,
        help_text="Of uploaded agents. Their own time: an agent pays for its own processor time, "
        "not for the machine's load. Wall time: every second counts, as on Kaggle, also those in "
        "which the machine was busy with something else.",
    )
    pondering = models.BooleanField(
        default=False,
        help_text="May an agent go on thinking during its opponent's turn? If not, it is stopped "
        "between its moves.",
    )
    # No choices: a package set is a file, and a new one must not need a migration.
    packages = models.CharField(
        max_length=64,
        default=packages.DEFAULT,
        help_text="What agents may import besides the standard library. A set is installed when "
        "its first match is played; it may ask for more memory and start-up time than stand here.",
    )
    settle_se = models.FloatField("settled at a standard error of (Elo)", default=50.0)
    final_settle_se = models.FloatField(
        "settled in the final evaluation at a standard error of (Elo)", default=30.0
    )
    max_matches = models.PositiveIntegerField("matches at most", default=200)
    anchor = models.ForeignKey(
        "league.Submission", models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="The house bot that stands at 1000.",
    )  # fmt: skip
    created = models.DateTimeField(auto_now_add=True)

    objects = CompetitionQuerySet.as_manager()

    class Meta:
        ordering = ("opens_at", "pk")

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if not isinstance(self.configuration, dict):
            raise ValidationError({"configuration": "The configuration must be a JSON object."})
        self._check_packages()
        self._check_environment()
        self._check_game()
        self.environment_version = self._playable_version()
        dates = [date for date in (self.opens_at, self.deadline, self.closes_at) if date]
        if dates != sorted(dates):
            raise ValidationError("The dates must be in order: opens, deadline, closes.")
        if self.phase_at(timezone.now()) in {Phase.UPCOMING, Phase.OPEN} and self._is_locked():
            message = "The field is locked for the final evaluation: the deadline stays passed."
            raise ValidationError({"deadline": message})

    def _check_game(self) -> None:
        """What was rated in one game says nothing about another."""
        before = Competition.objects.filter(pk=self.pk).first()
        if before is None:
            return
        changed = before.environment != self.environment
        if changed and before.matches.filter(is_rated=True).exists():
            message = "Matches of this game have been rated: make another competition."
            raise ValidationError({"environment": message})
        if self._is_locked() and before.configuration != self.configuration:
            message = "The field is locked for the final evaluation: the game stays as it is."
            raise ValidationError({"configuration": message})

    def _is_locked(self) -> bool:
        return Ladder.objects.stage_of(self.pk) == Stage.FINAL if self.pk else False

    def _check_packages(self) -> None:
        data_dir = Path(settings.DATA_DIR)
        known = [found.name for found in packages.available(data_dir)]
        if self.packages not in known:
            message = f"There is no package set {self.packages!r}; there are {', '.join(known)}."
            raise ValidationError({"packages": [message, *packages.problems(data_dir)]})

    def _check_environment(self) -> None:
        """Whether it is there, and played in pairs. A game from elsewhere may fail to load."""
        try:
            specification = evaluation.environments.game(self.environment).specification.published
        except InvalidArgument as error:
            raise ValidationError({"environment": str(error)}) from None
        if PAIR not in (seats := specification["agents"]):
            numbers = ", ".join(map(str, seats))
            message = f"A match has {PAIR} seats; this game is played with {numbers}."
            raise ValidationError({"environment": message})

    def _playable_version(self) -> str:
        """The version of the environment, once an episode could be set up as configured."""
        try:
            env = evaluation.make(self.environment, self.configuration)
            env.reset(PAIR)
        except InvalidArgument as error:
            raise ValidationError({"configuration": str(error)}) from None
        except (MemoryError, OverflowError):
            raise ValidationError({"configuration": "The game does not fit in memory."}) from None
        except Exception as error:  # the rules of a game from elsewhere may raise anything
            message = f"The game does not start so: {type(error).__name__}: {error}"
            raise ValidationError({"configuration": message}) from error
        known = {*env.specification["configuration"], "remainingOverageTime"}
        if unknown := ", ".join(sorted(set(self.configuration) - known)):
            message = f"The game has no such key: {unknown}. It has {', '.join(sorted(known))}."
            raise ValidationError({"configuration": message})
        return str(env.version)

    def phase_at(self, now: datetime) -> Phase:
        if now < self.opens_at:
            return Phase.UPCOMING
        if self.closes_at and now >= self.closes_at:
            return Phase.CLOSED
        if self.deadline and now >= self.deadline:
            return Phase.FINAL
        return Phase.OPEN

    @property
    def phase(self) -> Phase:
        return self.phase_at(timezone.now())

    def settle_limit(self, stage: str) -> float:
        """The standard error, in Elo, at which an entrant asks for no more matches."""
        return self.final_settle_se if stage == Stage.FINAL else self.settle_se

    @property
    def specification(self) -> Specification:
        try:
            return evaluation.environments.game(self.environment).specification
        except InvalidArgument:  # no longer installed; its pages still tell the clocks
            return Specification({})

    @property
    def full_configuration(self) -> dict[str, Any]:
        """The configuration with the environment's defaults filled in."""
        try:
            return dict(self.specification.configure(self.configuration))
        except InvalidArgument:  # the game has changed since; its pages still tell what was set
            return {**self.specification.configure({}), **self.configuration}

    @property
    def bank_s(self) -> float:
        """Seconds for all that the moves take beyond their limit; a game may have its own."""
        opening = self.specification.opening(0)["observation"]
        default = opening["remainingOverageTime"]
        return float(self.full_configuration.get("remainingOverageTime", default))

    @property
    def seats(self) -> int:
        return PAIR
