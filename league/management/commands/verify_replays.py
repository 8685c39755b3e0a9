"""manage.py verify_replays COMPETITION [--limit N]: plays stored replays again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from evaluation import replay
from evaluation.errors import InvalidArgument
from league import storage
from league.errors import NotFound
from league.models import Competition, Episode


class Command(BaseCommand):
    help = (
        "Plays a competition's stored replays again from seed and actions, newest first, and "
        "prints those that differ from what was recorded; then it exits with 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug")
        parser.add_argument("--limit", type=int, metavar="N", help="the newest N episodes only")

    def handle(
        self, *args: Any, competition: str, limit: int | None = None, **options: Any
    ) -> None:
        row = Competition.objects.filter(slug=competition).first()
        if row is None:
            raise CommandError(f"There is no competition {competition!r}.")
        found = Episode.objects.filter(match__competition=row).prefetch_related("seats")
        episodes = found.order_by("-pk")[:limit]
        checked, differing = self._check(row, tqdm(episodes, unit="replay", disable=None))
        if differing:
            raise CommandError(f"Replays that differ: {differing} of {checked}.")
        self.stdout.write(f"Replays as recorded: {checked}.")

    def _check(self, competition: Competition, episodes: "tqdm[Episode]") -> tuple[int, int]:
        """How many replays are kept, and how many of them differ."""
        checked = differing = 0
        for episode in episodes:
            try:
                packed = storage.read_replay_bytes(episode)
            except NotFound:
                continue
            checked += 1
            if complaint := _complaint(competition, episode, packed):
                differing += 1
                with tqdm.external_write_mode(file=self.stdout):
                    self.stdout.write(f"Episode {episode.pk}: {complaint}")
        return checked, differing


def _complaint(competition: Competition, episode: Episode, packed: bytes) -> str:
    """What is wrong with the episode's replay; empty where nothing is."""
    try:
        recorded = replay.from_bytes(packed)
        if difference := replay.verify(recorded):
            return str(difference)
    except InvalidArgument as error:
        return error.message
    rewards = [seat.reward for seat in sorted(episode.seats.all(), key=lambda seat: seat.number)]
    if (recorded["name"], recorded["rewards"]) != (competition.environment, rewards):
        return "The replay shows another result than the league recorded."
    return ""
