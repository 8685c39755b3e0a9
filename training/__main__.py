"""`python -m training run | ablation | export | bench | schema | check`: from a shell, a kernel."""

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from training.errors import TrainingError
from training.stop import Stop

EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 refused, 75 deadline, 128 + n ended by signal n."
RESUME_HELP = "auto: the newest checkpoint in DIR, if there is one; none; or a checkpoint's path"

SIZE_LIMIT = 1 << 20  # characters of what is to be checked
OUT_HELP = "for ablation.json and ablation.svg; the checkpoint's folder if not given"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except TrainingError as error:
        print(error.message, file=sys.stderr)
        return error.code


def _run(options: argparse.Namespace) -> int:
    stop = Stop(options.deadline_seconds)
    stop.install()
    from training.launch import launch  # JAX takes a second, in which signals are heard already

    code = launch(options.config, options.set, options.out, options.resume, stop)
    if stop.abandoned:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)  # a thread is compiling, and the interpreter would wait for it
    return code


def _ablation(options: argparse.Namespace) -> int:
    from training.ablation import ablation

    ablation(options.checkpoint, options.num_episodes, options.seed, options.out)
    return 0


def _export(options: argparse.Namespace) -> int:
    from training.export import export

    print(export(options.checkpoint, options.out, options.move_seconds))
    return 0


def _bench(options: argparse.Namespace) -> int:
    from training.bench import bench

    for line in bench(options.config, options.set):
        print(line, flush=True)
    return 0


def _schema(options: argparse.Namespace) -> int:
    from training import schema

    print(schema.to_json(schema.schema()))
    return 0


def _check(options: argparse.Namespace) -> int:
    from training import schema

    print(schema.to_json(schema.check(sys.stdin.read(SIZE_LIMIT))))
    return 0


COMMANDS = {
    "run": _run,
    "ablation": _ablation,
    "export": _export,
    "bench": _bench,
    "schema": _schema,
    "check": _check,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train, or go on training", epilog=EXIT_CODES)
    run.add_argument("config", metavar="CONFIG.json", help="a file, or the name of a preset")
    run.add_argument("--out", type=Path, required=True, metavar="DIR")
    run.add_argument("--resume", default="auto", metavar="auto|none|PATH", help=RESUME_HELP)
    run.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    run.add_argument("--deadline-seconds", type=_seconds, metavar="N")
    ablation = commands.add_parser("ablation", help="what a foraging population owes to what")
    ablation.add_argument("--checkpoint", type=Path, required=True, metavar="PATH")
    ablation.add_argument("--num-episodes", type=int, default=20, metavar="N")
    ablation.add_argument("--seed", type=_seed, default=0, metavar="S")
    ablation.add_argument("--out", type=Path, metavar="DIR", help=OUT_HELP)
    export = commands.add_parser("export", help="make a submission of a checkpoint")
    export.add_argument("--checkpoint", type=Path, required=True, metavar="PATH")
    export.add_argument("--out", type=Path, required=True, metavar="agent.tar.gz")
    export.add_argument("--move-seconds", type=_seconds, default=0.2, metavar="S")
    bench = commands.add_parser("bench", help="what a run would cost on this machine")
    bench.add_argument("config", nargs="?", default="connectx", metavar="CONFIG.json")
    bench.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    commands.add_parser("schema", help="presets and keys of configurations, as JSON")
    commands.add_parser("check", help="tell what a preset with overrides (JSON, stdin) amounts to")
    return parser


def _seed(text: str) -> int:
    if not (text.isdecimal() and int(text) < 2**32):
        raise argparse.ArgumentTypeError(f"wants a whole number from 0 to 2**32 - 1, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (0 < seconds < math.inf):
        raise argparse.ArgumentTypeError(f"wants a number of seconds above 0, not {text!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
