"""`manage.py restore FILE`: a backup becomes the league of this DATA_DIR."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from league import backup
from league.errors import LeagueError
from league.run import preflight
from league.run.errors import StartError


class Command(BaseCommand):
    help = "Puts the league of a backup into DATA_DIR. The league must not run."

    requires_system_checks = ()  # what saves a league must not depend on the rest of it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--force", action="store_true", help="put a league that is there already aside"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        data_dir = Path(settings.DATA_DIR)
        try:
            preflight.prepare_data_dir(data_dir)
            with os.fdopen(preflight.lock(data_dir)):
                report = backup.restore(options["file"], force=options["force"])
        except (LeagueError, StartError) as error:
            raise CommandError(str(error)) from None
        when = f"{report.created:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"Restored the league of {when}: {report.files} files. Start it again.")
