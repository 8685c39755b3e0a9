"""What configurations may hold and whether one can be used, asked of the trainer in a child.

The trainer stands on JAX, which no process of the site loads; the child gets no secret.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache as once
from typing import Any

from django.conf import settings
from django.core.cache import cache

from league.errors import LeagueError
from training.source import source_hash

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
KEPT_S = 7 * 24 * 3600
REFUSED = 2  # exit code of a configuration that cannot be used
SHOWN = 300  # characters of a refusal
TAIL = 2000  # characters of a failure that are logged
NO_SWEEP = (
    'A run here has no "sweep": search with `python -m training run`, and start the run with what '
    "did best."
)
OUR_FAULT = "The trainer could not be asked: this is our fault and has been logged; try again."

Row = dict[str, Any]
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Checked:
    """config: whole. facts: what it trains for. overrides: by dotted key, objects left whole."""

    config: dict[str, Any]
    facts: dict[str, Any]
    overrides: dict[str, Any]


@once
def schema() -> Mapping[str, Any]:
    """Presets, their facts and all keys, as `training.schema.schema` tells them.

    Asked for once by all processes that run the same code, as long as there is a cache.
    """
    key = f"training-schema:{source_hash()}"
    told: dict[str, Any] | None = cache.get(key)
    if told is None:
        told = _ask("schema", "")
        cache.set(key, told, KEPT_S)
    return told


def presets() -> list[str]:
    return list(schema()["presets"])


def check(preset: str, overrides: Mapping[str, Any]) -> Checked:
    """The configuration that comes of a preset with overrides, by dotted key or nested.

    Raises LeagueError: `bad_config` where it cannot be used, `check_failed` where we cannot tell.
    Takes one to three seconds.
    """
    asked = json.dumps({"preset": preset, "overrides": overrides})
    checked = Checked(**_ask("check", asked))
    if checked.config.get("sweep"):  # its trials would begin anew in every session
        raise LeagueError(NO_SWEEP, "bad_config")
    return checked


def rows(told: Mapping[str, Any], preset: str) -> list[Row]:
    """The keys of this preset's configuration, the general ones first."""
    return [*told["run"], *told["tasks"][told["facts"][preset]["task"]]]


def value_at(config: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _ask(command: str, text: str) -> Any:
    with _one_at_a_time, tempfile.TemporaryDirectory(prefix="palaestra-") as home:
        try:
            done = _child(command, text, home)
        except (OSError, subprocess.TimeoutExpired) as error:
            logger.error("python -m training %s: %s", command, error)
            raise LeagueError(OUR_FAULT, "check_failed", 500) from error
    if done.returncode == REFUSED and command == "check":
        raise LeagueError(_sentence(done.stderr), "bad_config")
    try:
        done.check_returncode()
        return json.loads(done.stdout)
    except (subprocess.CalledProcessError, ValueError) as error:
        logger.error("python -m training %s: %s: %s", command, error, done.stderr[-TAIL:])
        raise LeagueError(OUR_FAULT, "check_failed", 500) from error


def _child(command: str, text: str, home: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", command],
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=settings.BASE_DIR,
        env=_environment(home),
        timeout=TIMEOUT_S,
        check=False,
    )


def _environment(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": home}


def _sentence(stderr: str) -> str:
    lines = stderr.strip().splitlines() or ["This configuration cannot be used"]
    line = lines[-1].rstrip(".")
    return f"{line[:SHOWN]}…" if len(line) > SHOWN else f"{line}."
