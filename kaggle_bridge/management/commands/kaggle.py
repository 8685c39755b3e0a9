"""`manage.py kaggle new|setup|push|run|status|download`: training from a shell.

Exit codes: 0 as asked, 1 failed or refused, 2 wrong usage, 3 cancelled, 75 not now (no quota, no
answer, another process is at it): the same command again goes on.
"""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kaggle_bridge import shell
from kaggle_bridge.models import Accelerator, Backend, Enter
from league.errors import LeagueError

OUTPUT_DIR = "kaggle_output"
INTERVAL_S = 60.0


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        _new(commands.add_parser("new", help="make a run, not yet sent; prints its number"))
        setup = commands.add_parser("setup", help="check credentials; say what is missing")
        setup.add_argument("--username", default="", metavar="NAME", help="of the account meant")
        push = _of_run(commands.add_parser("push", help="send the next session of a run"))
        push.add_argument("--new", action="store_true", help="as a new run with these settings")
        push.add_argument("--notebook", action="store_true", help="to open it there; with --new")
        run = _of_run(commands.add_parser("run", help="follow a run to its end"))
        run.add_argument("--push-first", action="store_true", help="send it first")
        status = _of_run(commands.add_parser("status", help="how a run stands"))
        status.add_argument("-w", "--watch", action="store_true", help="until it is over")
        status.add_argument(
            "-i", "--interval", type=_seconds, default=INTERVAL_S, metavar="SECONDS"
        )
        download = _of_run(commands.add_parser("download", help="fetch what a session has left"))
        download.add_argument("-o", "--output-dir", default=OUTPUT_DIR, metavar="DIR")
        for each in (setup,):
            each.add_argument("--run", type=int, metavar="ID", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        terminal = shell.Terminal(self.stdout, self.stderr)
        try:
            code = shell.VERBS[options["command"]](terminal, options)
        except LeagueError as error:
            self.stderr.write(error.message)
            code = shell.FAILED
        except KeyboardInterrupt:
            self.stderr.write("Left alone: the run goes on without this command.")
            code = 130
        if code:
            sys.exit(code)


def _of_run(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--run", type=int, required=True, metavar="ID", help="number of the run")
    return parser


def _new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("preset", metavar="PRESET")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--total-steps", type=int, metavar="N")
    parser.add_argument("--competition", metavar="SLUG")
    parser.add_argument("--enter", choices=Enter.values, default=Enter.EVERY)
    parser.add_argument("--backend", choices=Backend.values)
    parser.add_argument("--accelerator", choices=Accelerator.values, default=Accelerator.CPU)
    parser.add_argument("--internet", action="store_true")
    parser.add_argument("--max-sessions", type=int, default=5, metavar="N")
    parser.add_argument("--session-minutes", type=int, metavar="N")


def _seconds(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 1 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"wants seconds from 1 to 86400, not {text!r}")
    return value
