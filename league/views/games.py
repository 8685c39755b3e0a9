"""What pages tell about a game: from its own folder in the engine, else from its specification."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import evaluation
from evaluation.errors import InvalidArgument
from league.models import Competition

EXPLAINED = ("rules", "observation", "action", "reward")
ENVS = Path(evaluation.__file__).parent / "envs"
IDLE = "def agent(observation, configuration):\n    return {!r}"
ENGINE_KEYS = {
    "actTimeout", "remainingOverageTime", "runTimeout", "episodeSteps", "agentTimeout", "timeout"
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A piece of a game's README: kind is `heading`, `text`, `list`, `code` or `table`."""

    kind: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) if self.kind == "code" else " ".join(self.lines)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table; its head comes first."""
        return [[cell.strip() for cell in line.strip("| ").split("|")] for line in self.lines]


@dataclass(frozen=True)
class Game:
    name: str
    title: str
    version: str
    description: str
    rules: tuple[Block, ...]
    starter: str
    starter_plays: str
    house_bots: tuple[str, ...]


@lru_cache(maxsize=64)
def game(name: str) -> Game:
    try:
        known = evaluation.environments.game(name)
    except InvalidArgument as error:  # it came with a package that is no longer installed
        return Game(name, name, "", str(error), (), "", "", ())
    specification = known.specification.published
    readme, starter = (_read(ENVS / name / file) for file in ("README.md", "starter.py"))
    return Game(
        name=name,
        title=str(specification["title"] or name),
        version=str(specification["version"]),
        description=str(specification["description"]),
        rules=tuple(_rules(readme) if readme else _described(specification)),
        starter=starter or IDLE.format(specification["action"].get("default")),
        starter_plays=f"It {'beats a random player' if starter else 'plays the same each step'}.",
        house_bots=tuple(known.agents),
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _described(specification: Mapping[str, Any]) -> Iterator[Block]:
    """The game as its specification tells it, for one that has no README of ours."""
    yield Block("text", (str(specification["description"]),))
    fields = {
        name: str(field["description"])
        for name, field in specification["observation"].items()
        if isinstance(field, Mapping) and field.get("description") and not field.get("hidden")
    }
    yield Block("heading", ("Observation",))
    yield Block("list", tuple(f"`{name}`: {text}" for name, text in fields.items()))
    for part in ("action", "reward"):
        text = str(specification[part].get("description", ""))
        choices = ", ".join(f"`{choice!r}`" for choice in specification[part].get("enum", ()))
        if text or choices:
            yield Block("heading", (part.title(),))
            yield Block("text", (f"{text} One of {choices}." if choices else text,))


def _rules(readme: str) -> Iterator[Block]:
    """How the game goes, what an agent sees, answers and gets; the rest stands in the facts."""
    sections = re.split(r"^##\s+", re.sub(r"\A#\s.*\n", "", readme), flags=re.MULTILINE)
    for number, section in enumerate(sections):
        title, _, body = section.partition("\n") if number else ("", "", section)
        if number and title.strip().lower() not in EXPLAINED:
            continue
        if title:
            yield Block("heading", (title.strip(),))
        yield from _blocks(body)


def _blocks(body: str) -> Iterator[Block]:
    for part in re.split(r"\n\s*\n", body):
        lines = part.strip("\n").splitlines()
        if lines and not lines[0].startswith("| |"):  # a table without a head: facts
            yield _block(lines)


def _block(lines: list[str]) -> Block:
    if lines[0].startswith("```"):
        return Block("code", tuple(line for line in lines if not line.startswith("```")))
    if lines[0].startswith("|"):
        kept = [line for line in lines if not re.fullmatch(r"[|\s:-]+", line)]
        return Block("table", tuple(_plain(line) for line in kept))
    if re.match(r"\s*([-*]|\d+\.)\s", lines[0]):
        return Block("list", tuple(_list_items(lines)))
    return Block("text", tuple(_plain(line) for line in lines))


def _list_items(lines: list[str]) -> list[str]:
    """List items, each with the lines that continue it."""
    items: list[str] = []
    for line in lines:
        start = re.match(r"\s*([-*]|\d+\.)\s+", line)
        if start or not items:
            items.append(line[start.end() if start else 0 :].strip())
        else:
            items[-1] += " " + line.strip()
    return [_plain(item) for item in items]


def _plain(line: str) -> str:
    """Links and emphasis taken off; what stands between backticks is left for the page to set."""
    line = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", line.strip())
    return line.replace("**", "")


def try_command(competition: Competition) -> str:
    """How to play the agent at home exactly as the league will."""
    bots = game(competition.environment).house_bots
    rival = "random" if "random" in bots else next(iter(bots), "main.py")
    words = ["python", "-m", "evaluation", "run", "--box"]
    words += ["--environment", competition.environment, "--agents", "main.py", rival]
    words += ["--configuration", json.dumps(competition.configuration)]
    if limits := unusual_limits(competition):
        words += ["--limits", json.dumps(limits)]
    words += ["--render", json.dumps({"mode": "ansi"})]
    return shlex.join(words)


def unusual_limits(competition: Competition) -> dict[str, Any]:
    """The limits that `run --box` would not have by itself."""
    names = ("startup_s", "memory_mb", "packages", "clock", "pondering")
    usual = Competition()
    own = {name: getattr(competition, name) for name in names}
    return {name: value for name, value in own.items() if value != getattr(usual, name)}


def rule_paragraphs(competition: Competition) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", competition.rules) if part.strip()]


def settings_of(competition: Competition) -> list[tuple[str, Any]]:
    """The environment's own configuration as it is played, without the engine's clocks."""
    configuration = competition.full_configuration
    return [
        (key, value)
        for key, value in configuration.items()
        if key not in ENGINE_KEYS and isinstance(value, (int, float, str, bool))
    ]
