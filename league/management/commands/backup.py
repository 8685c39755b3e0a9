"""`manage.py backup FILE`: the whole league in one archive, while it runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from league import backup
from league.errors import LeagueError
from league.models import AuditEntry


class Command(BaseCommand):
    help = "Writes database, uploads, replays, logs and secrets into one archive (.tar.gz)."

    requires_system_checks = ()  # what saves a league must not depend on the rest of it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = backup.create(options["file"])
        except LeagueError as error:
            raise CommandError(error.message) from None
        AuditEntry.log(None, "backup", options["file"].name)
        megabytes = report.size_bytes / 1e6
        self.stdout.write(f"{options['file']}: {report.files} files, {megabytes:.1f} MB.")
