"""How a run's configuration differs from its preset, for people."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from kaggle_bridge.configs import value_at
from kaggle_bridge.models import TrainingRun

NOT_SAID = "default"


@dataclass(frozen=True)
class Change:
    """before: as the preset has it. Both as JSON has them."""

    key: str
    before: str
    after: str


def changes(run: TrainingRun) -> list[Change]:
    preset = _preset(run.preset)
    rows = [Change(key, _before(preset, key), _text(run.config[key])) for key in sorted(run.config)]
    return [row for row in rows if row.before != row.after]


def _before(preset: dict[str, Any], key: str) -> str:
    value = value_at(preset, key)
    return NOT_SAID if value is None else _text(value)


def _preset(name: str) -> dict[str, Any]:
    """Its file; nothing where this version of the trainer has none of that name."""
    folder = resources.files("training").joinpath("presets")
    found = next((file for file in folder.iterdir() if file.name == f"{name}.json"), None)
    preset: dict[str, Any] = json.loads(found.read_text(encoding="utf-8")) if found else {}
    return preset


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
