"""`python -m evaluation`: games and episodes from a shell, in the league's own box if asked for."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import evaluation
from evaluation import replay
from evaluation.errors import EngineError
from evaluation.match import AgentSpec, EpisodeResult, EpisodeSpec, play_episode
from evaluation.sandbox.errors import BoxFailed


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        print(options.command(options))
    except (EngineError, BoxFailed, OSError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("list", help="the environments").set_defaults(command=_list)
    run = commands.add_parser("run", help="play one episode")
    run.set_defaults(command=_run)
    run.add_argument("--environment", required=True)
    run.add_argument("--agents", nargs="+", required=True, help="a path, or a built-in's name")
    run.add_argument("--configuration", type=_object, default={}, help="a JSON object")
    run.add_argument("--seed", type=int)
    run.add_argument("--box", action="store_true", help="play boxed, exactly as the league does")
    run.add_argument(
        "--render",
        type=_object,
        default={"mode": "json"},
        help='{"mode": "json", "ansi" or "html"}',
    )
    return parser


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("a JSON object is needed")
    return value


def _list(options: argparse.Namespace) -> str:
    return "\n".join(evaluation.environments)


def _run(options: argparse.Namespace) -> str:
    if options.box:
        return _run_boxed(options)
    env = evaluation.make(options.environment, options.configuration, {"seed": options.seed})
    env.run(options.agents)
    return str(env.render(mode=options.render.get("mode", "json")))


def _run_boxed(options: argparse.Namespace) -> str:
    builtin = evaluation.make(options.environment).agents
    agents = [
        AgentSpec(agent, "builtin" if agent in builtin else "path", Path(agent).name)
        for agent in options.agents
    ]
    spec = EpisodeSpec(options.environment, options.configuration, agents, options.seed)
    return _shown(play_episode(spec), options.render.get("mode", "json"))


def _shown(result: EpisodeResult, mode: str) -> str:
    """The replay as JSON or page; or, for reading, the last board, how it ended and every fault."""
    if mode == "json":
        return json.dumps(result.replay)
    if mode == "html":
        return replay.html(result.replay)
    game = result.replay
    last = evaluation.make(game["name"], game["configuration"], steps=game["steps"])
    lines = [str(last.render(mode="ansi")), game["info"]["result"]["cause"]]
    for seat, verdict in enumerate(result.verdicts, start=1):
        if verdict:
            lines += [f"Seat {seat}: {verdict['message']}", verdict["detail"].rstrip()]
    for seat, seconds in enumerate(result.timings, start=1):
        slowest = max(seconds, default=0.0)
        lines.append(f"Seat {seat}: {len(seconds)} moves, the slowest took {slowest:.3f} s")
    return "\n".join(line for line in lines if line)
