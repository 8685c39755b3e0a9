"""`manage.py kaggle new|setup|push|run|status|download`: training from a shell."""

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kaggle_bridge import shell
from kaggle_bridge.models import Accelerator, Backend, Enter
from league.errors import LeagueError

OUTPUT_DIR = "kaggle_output"
INTERVAL_S = 60.0
INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Training runs from a shell, on Kaggle or on this machine, beside the league or without "
        "it. Exit codes: 0 as asked; 1 failed or refused; 2 wrong usage; 3 the run was cancelled; "
        "75 not now (no quota, no answer, another process is at it), and the same command again "
        "goes on; 130 Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, (add_options, text) in COMMANDS.items():
            add_options(commands.add_parser(name, help=text, description=f"{text}."))

    def handle(self, *args: Any, **options: Any) -> None:
        terminal = shell.Terminal(self.stdout, self.stderr)
        with quiet(options["verbosity"]):
            code = run(terminal, options)
        if code:
            sys.exit(code)


def run(terminal: shell.Terminal, options: dict[str, Any]) -> int:
    try:
        return shell.VERBS[options["command"]](terminal, options)
    except LeagueError as error:
        terminal.complain(error.message)
        return shell.FAILED
    except KeyboardInterrupt:
        terminal.complain("Stopped. Runs go on while the league runs, or with this command again.")
        return INTERRUPTED


@contextmanager
def quiet(verbosity: int) -> Iterator[None]:
    """What the log would repeat of the sentences is left out, unless more is asked for."""
    logging.disable(logging.WARNING if verbosity < 2 else logging.NOTSET)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _new(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("preset", metavar="PRESET", help="one of training/presets, by its bare name")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="what differs from it")
    add("--total-steps", type=int, metavar="N", help="instead of the preset's")
    add("--competition", metavar="SLUG", help="whose ladder it enters; without it none")
    add("--enter", choices=Enter.values, default=Enter.EVERY, help="which checkpoints enter")
    add("--backend", choices=Backend.values, help="without it kaggle where credentials are set")
    add("--accelerator", choices=Accelerator.values, default=Accelerator.CPU)
    add("--internet", action="store_true", help="for the sessions; training needs none")
    add("--max-sessions", type=int, default=5, metavar="N", help="at most so many")
    add("--session-minutes", type=int, metavar="N", help="at most so long each")


def _setup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", default="", metavar="NAME", help="whose they should be")
    parser.add_argument("--run", type=int, metavar="ID", help="a run that they should be good for")


def _push(parser: argparse.ArgumentParser) -> None:
    _of_run(parser)
    parser.add_argument("--new", action="store_true", help="as a new run with these settings")
    parser.add_argument(
        "--notebook", action="store_true", help="as a notebook, to open it there; with --new"
    )


def _follow(parser: argparse.ArgumentParser) -> None:
    _of_run(parser)
    parser.add_argument("--push-first", action="store_true", help="as `push` does")


def _status(parser: argparse.ArgumentParser) -> None:
    _of_run(parser)
    add = parser.add_argument
    add("-w", "--watch", action="store_true", help="until it is over, with progress")
    add(
        "-i", "--interval", type=_seconds, default=INTERVAL_S, metavar="SECONDS",
        help=f"between two looks ({INTERVAL_S:.0f})",
    )  # fmt: skip


def _download(parser: argparse.ArgumentParser) -> None:
    _of_run(parser)
    parser.add_argument(
        "-o", "--output-dir", default=OUTPUT_DIR, metavar="DIR",
        help=f"an empty folder, or a new one ({OUTPUT_DIR})",
    )  # fmt: skip


def _of_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=int, required=True, metavar="ID", help="number of the run")


def _seconds(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 1 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"wants seconds from 1 to 86400, not {text!r}")
    return value


COMMANDS = {
    "new": (_new, "Make a run, not yet sent; prints its number"),
    "setup": (_setup, "Check the credentials for Kaggle and say what is missing"),
    "push": (_push, "Send the next session of a run; a failed one is tried again"),
    "run": (_follow, "Follow a run to its end, through waits and troubles"),
    "status": (_status, "Say how a run stands"),
    "download": (_download, "Fetch what the newest session has left"),
}
