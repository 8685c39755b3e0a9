"""manage.py recompute COMPETITION: ratings again from the episode log."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from league import ledger
from league.models import Competition


class Command(BaseCommand):
    help = "Counts and rates a competition's episodes anew and prints the largest change."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="the competition's slug")

    def handle(self, *args: Any, competition: str, **options: Any) -> None:
        row = Competition.objects.filter(slug=competition).first()
        if row is None:
            raise CommandError(f"There is no competition {competition!r}.")
        found = ledger.recompute(row)
        if found.differences:
            self.stderr.write(f"{found.differences} rows did not equal the log; they do now.")
        self.stdout.write(f"{found.change:.9f}")
