"""What an agent plays under: its clocks, its memory, its packages. An episode keeps what it had."""

from pathlib import Path
from typing import Any

from django.conf import settings
from pydantic import BaseModel, Field

from evaluation import packages
from league.models import Competition, Episode


class PlayLimits(BaseModel):
    startup_s: float = Field(description="To be imported, before the first move.")
    move_s: float = Field(description="For each move.")
    bank_s: float = Field(description="For all that the moves take beyond their limit.")
    episode_s: float = Field(description="For the whole episode.")
    memory_mb: int = Field(description="Of each agent.")
    clock: str = Field(
        description="`charged`: an agent pays for its own processor time and its own waiting, not "
        "for the machine's load. `wall`: for every second."
    )
    pondering: bool = Field(description="Agents may think during their opponents' turns.")
    packages: str = Field(description="The set of packages that agents may import.")


def fields_of(competition: Competition) -> dict[str, Any]:
    """The fields of PlayLimits as they stand now."""
    configuration = competition.full_configuration
    wanted = package_set(competition.packages)
    return {
        "startup_s": max(competition.startup_s, wanted.startup_s if wanted else 0),
        "move_s": float(configuration["actTimeout"]),
        "bank_s": competition.bank_s,
        "episode_s": float(configuration["runTimeout"]),
        "memory_mb": max(competition.memory_mb, wanted.memory_mb if wanted else 0),
        "clock": competition.clock,
        "pondering": competition.pondering,
        "packages": competition.packages,
    }


def of_competition(competition: Competition) -> PlayLimits:
    return PlayLimits(**fields_of(competition))


def of_episode(episode: Episode) -> PlayLimits:
    """As they were when it was played; of an episode from before they were kept, as they are."""
    return PlayLimits(**(episode.limits or fields_of(episode.match.competition)))


def package_set(name: str) -> packages.PackageSet | None:
    """None where its file is gone or broken: what was played with it is still shown."""
    try:
        return packages.find(name, Path(settings.DATA_DIR))
    except packages.PackagesError:
        return None


def packages_title(name: str) -> str:
    found = package_set(name)
    return found.title if found else name


def package_choices() -> list[tuple[str, str]]:
    """Name and title of each set, for a form."""
    found = packages.available(Path(settings.DATA_DIR))
    return [(one.name, f"{one.name}: {one.title}") for one in found]
