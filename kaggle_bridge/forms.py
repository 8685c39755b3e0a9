"""The form that starts a run: a few choices, and below them every key of the preset.

What can be used together is judged where the run is created; here only what fits a field.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField

from kaggle_bridge import config_fields, configs, runs
from kaggle_bridge.models import Accelerator, Backend, Enter
from kaggle_bridge.runs import LEAST_MINUTES, MOST_MINUTES, MOST_SESSIONS, Wish
from league.errors import LeagueError
from league.models import Competition, Phase

PREFIX = "config."
WORD = re.compile(r"[a-z_]+(?:\.[a-z_]+)*")
QUOTED = re.compile(r'"([^"]+)"')
# Said by the preset and by the choices above; and what no run here can have.
LEFT_OUT = {"task", "device", "total_steps", "sweep"}
NO_CREDENTIALS = "There are no credentials for Kaggle here: a run there waits until there are."
TITLES = {"selfplay": "Self-play"}
FIELD_OF_CODE = {
    "bad_backend": "backend",
    "bad_accelerator": "accelerator",
    "bad_enter": "enter",
    "no_arena": "enter",
    "bad_max_sessions": "max_sessions",
    "bad_session_minutes": "session_minutes",
    "no_competition": "competition",
    "wrong_environment": "competition",
    "submissions_closed": "competition",
}


@dataclass(frozen=True)
class Group:
    """Keys of the configuration that belong together."""

    title: str
    fields: list[BoundField]

    @property
    def has_errors(self) -> bool:
        return any(field.errors for field in self.fields)


class StartForm(forms.Form):
    """told: the schema (configs.schema). preset: one of its presets."""

    competition = forms.ChoiceField(required=False)
    enter = forms.ChoiceField(
        choices=Enter.choices,
        initial=Enter.EVERY,
        required=False,
        label="What to enter",
        help_text="At most ten checkpoints play at once; the best are those of the arena.",
    )
    total_steps = forms.IntegerField(required=False)
    backend = forms.ChoiceField(choices=Backend.choices, required=False, label="Trained on")
    accelerator = forms.ChoiceField(
        choices=Accelerator.choices,
        initial=Accelerator.CPU,
        required=False,
        help_text="A session fails where there is none.",
    )
    max_sessions = forms.IntegerField(
        min_value=1,
        max_value=MOST_SESSIONS,
        initial=5,
        required=False,
        label="Sessions at most",
        help_text="Each goes on from the newest checkpoint of the one before.",
    )
    session_minutes = forms.IntegerField(
        min_value=LEAST_MINUTES,
        max_value=MOST_MINUTES,
        required=False,
        label="Minutes of a session",
    )
    internet = forms.BooleanField(
        required=False, label="Internet access on Kaggle (training needs none)"
    )

    def __init__(
        self, told: Mapping[str, Any], preset: str, data: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self.preset, self.facts = preset, told["facts"][preset]
        self.values = told["presets"][preset]
        self.keys = {row["key"]: row for row in configs.rows(told, preset)}
        self._offer_competitions()
        self._bound_total_steps()
        self.initial["backend"] = backend = runs.default_backend()
        self.fields["backend"].help_text = "" if backend == Backend.KAGGLE else NO_CREDENTIALS
        self.fields[
            "session_minutes"
        ].help_text = f"At most; {60 * settings.TRAINING_SESSION_HOURS} where nothing is given."
        for key in self._own_keys():
            self.fields[f"{PREFIX}{key}"] = config_fields.field_of(
                self.keys[key], self._preset(key)
            )

    def groups(self) -> list[Group]:
        """The fields of the configuration, in the order of the schema, by the part they are of."""
        found: dict[str, list[BoundField]] = {}
        for key in self._own_keys():
            found.setdefault(_group(key), []).append(self[f"{PREFIX}{key}"])
        return [Group(_title(name), fields) for name, fields in found.items()]

    def chosen(self, name: str) -> Any:
        """What a field says, or what it says at first where that is nothing, or wrong."""
        given = getattr(self, "cleaned_data", {}).get(name)
        if given in (None, ""):
            return self.get_initial_for_field(self.fields[name], name)
        return given

    def competition_title(self) -> str | None:
        """None where nothing is entered."""
        is_given = self.is_bound and "competition" in self.cleaned_data
        slug = self.cleaned_data["competition"] if is_given else self.chosen("competition")
        return self.titles.get(slug)

    def overrides(self) -> dict[str, Any]:
        """By dotted key, what is other than in the preset. An empty field is as in the preset."""
        given = {key: self.cleaned_data.get(f"{PREFIX}{key}") for key in self.keys}
        return {
            key: value
            for key, value in given.items()
            if value not in (None, "") and value != self._preset(key)
        }

    def wish(self) -> Wish:
        data, total_steps = self.cleaned_data, self.chosen("total_steps")
        return Wish(
            preset=self.preset,
            config=self.overrides(),
            total_steps=None if total_steps == self.values["total_steps"] else total_steps,
            backend=self.chosen("backend"),
            accelerator=self.chosen("accelerator"),
            internet=data["internet"],
            competition=data["competition"] or None,
            enter=self.chosen("enter"),
            max_sessions=self.chosen("max_sessions"),
            session_minutes=data["session_minutes"],
        )

    def refuse(self, error: LeagueError) -> bool:
        """Puts the sentence at the field that it speaks of; False where it speaks of none."""
        name = FIELD_OF_CODE.get(error.code)
        if error.code == "bad_config":
            key = key_of(error.message, self.keys)
            name = next((each for each in (key, f"{PREFIX}{key}") if each in self.fields), None)
        if name is not None:
            self.add_error(name, error.message)
        return name is not None

    def _own_keys(self) -> list[str]:
        return [key for key in self.keys if key not in LEFT_OUT]

    def _preset(self, key: str) -> Any:
        return configs.value_at(self.values, key)

    def _offer_competitions(self) -> None:
        fitting, others = competitions(self.facts["environment"])
        self.titles = fitting | others
        self.fields["competition"] = forms.ChoiceField(
            choices=[
                ("", "none, only train"),
                ("Of this game", list(fitting.items())),
                ("Of other games", list(others.items())),
            ],
            initial=next(iter(fitting), ""),
            required=False,
            help_text="Where its checkpoints play. Without one it only trains.",
        )

    def _bound_total_steps(self) -> None:
        row = self.keys["total_steps"]
        self.fields["total_steps"] = forms.IntegerField(
            min_value=row["minimum"],
            max_value=row["maximum"],
            initial=self.values["total_steps"],
            required=False,
            label="Total steps",
            help_text=row["help"],
        )


def competitions(environment: str) -> tuple[dict[str, str], dict[str, str]]:
    """Titles by slug of those that take submissions: of this environment, and the others."""
    takes = [c for c in Competition.objects.all() if c.phase in (Phase.UPCOMING, Phase.OPEN)]
    fitting = {c.slug: c.title for c in takes if c.environment == environment}
    return fitting, {c.slug: c.title for c in takes if c.slug not in fitting}


def key_of(sentence: str, keys: Iterable[str]) -> str | None:
    """The key that a refusal of the trainer speaks of.

    It names the key in quotes and whole, or else the part that it is of, and the rest as the first
    word that fits: `selfplay: shards must divide games, …`.
    """
    known = set(keys)
    part, colon, rest = sentence.partition(": ")
    inner = [f"{part}.{word}" for word in WORD.findall(rest)] if colon else []
    outer = [above for name in (*QUOTED.findall(sentence), part) for above in _and_above(name)]
    return next((name for name in (*inner, *outer) if name in known), None)


def _and_above(name: str) -> list[str]:
    """A dotted name and those of what it is in, the longest first."""
    parts = name.partition("[")[0].split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _group(key: str) -> str:
    """`run`, the name of the task, or the name of the part of its settings."""
    *path, _ = key.split(".")
    return path[-1] if path else "run"


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " ").capitalize())
