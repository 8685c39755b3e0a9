"""manage.py recompute COMPETITION: ratings again from the episode log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from league import ratings
from league.models import Competition


class Command(BaseCommand):
    help = "Rebuilds a competition's ratings from its episodes and prints the largest change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug")

    def handle(self, *args: Any, competition: str, **options: Any) -> None:
        row = Competition.objects.filter(slug=competition).first()
        if row is None:
            raise CommandError(f"There is no competition {competition!r}.")
        self.stdout.write(f"{ratings.recompute(row):.9f}")
