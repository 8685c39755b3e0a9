"""The options of the command line: those of kaggle-environments, and a few of our own."""

import argparse
from typing import Any, NoReturn

PROG = "python -m evaluation"
COMMANDS = {
    "list": "name the environments",
    "evaluate": "play episodes and print the rewards of each",
    "run": "play an episode and print it",
    "step": "play one step and print the episode so far",
    "load": "print an episode that was played, in another form",
    "verify": "play an episode again from its seed and actions, and say where it differs",
    "act": "ask one agent for one action",
    "dispose": "forget the agent that acts, which only a server keeps",
    "http-server": "do all this over HTTP",
    "packages": "name the sets of packages that boxed agents may import; or install one",
}
EXAMPLES = {
    "list": "list",
    "evaluate": "evaluate --environment connectx --agents random negamax --episodes 10",
    "run": 'run --environment connectx --agents main.py random --render \'{"mode": "ansi"}\'',
    "step": "step --environment connectx --agents random random --display ansi",
    "load": "load --in episode.json --display html --out episode.html",
    "verify": "verify episode.json",
    "act": 'act --environment rps --agents rock --state \'{"observation": {"step": 0}}\'',
    "dispose": "dispose",
    "http-server": "http-server --port 8012",
    "packages": "packages scientific",
}
GAME = ("environment", "configuration", "info", "debug")
SHOWN = ("render", "display", "out", "log")
TAKEN = {
    "list": ("out",),
    "evaluate": ("agents", "episodes", *GAME, "steps", "seed", "out", "log"),
    "run": ("agents", "box", "limits", *GAME, "steps", "logs", "seed", *SHOWN),
    "step": ("agents", *GAME, "steps", "logs", "state", "seed", *SHOWN),
    "load": ("in", *GAME, "steps", "logs", *SHOWN),
    "verify": ("file", "out"),
    "act": ("agents", *GAME, "state", "seed", "out", "log"),
    "dispose": ("out",),
    "http-server": ("host", "port", "allow-host", "trust-remote", "debug", "log"),
    "packages": ("set",),
}
POSITIONAL = ("file", "set")
SWITCH: dict[str, Any] = {"action": "store_const", "const": True}
OPTIONS: dict[str, dict[str, Any]] = {
    "environment": {"metavar": "NAME", "help": "see the command list"},
    "agents": {
        "metavar": "AGENT",
        "nargs": "*",
        "help": "for each seat a file, a folder, a URL, a built-in's name or source text",
    },
    "configuration": {"metavar": "JSON", "help": "what differs from the environment's defaults"},
    "info": {"metavar": "JSON", "help": "an object that the episode carries"},
    "steps": {"metavar": "JSON", "help": "the steps already played, to go on from"},
    "state": {"metavar": "JSON", "help": "the state of the first seat to start from; "
              "for act the one that holds the observation"},
    "logs": {"metavar": "JSON", "help": "the logs of the steps already played"},
    "seed": {"metavar": "N", "help": "makes everything repeatable that this process draws"},
    "debug": {
        "metavar": "BOOL",
        "nargs": "?",
        "const": "true",
        "help": "print what agents print and name their faults; let their exceptions pass",
    },
    "episodes": {"metavar": "N", "help": "how many (1)"},
    "box": {**SWITCH, "help": "play boxed and with the limits of the league, exactly as it does"},
    "limits": {
        "metavar": "JSON",
        "help": "with --box, what differs from a competition's usual limits: "
        "startup_s, memory_mb, packages, clock, pondering",
    },
    "render": {"metavar": "JSON", "help": 'how to print it: {"mode": "json", "ansi" or "html"}'},
    "display": {"metavar": "MODE", "help": "short for the mode of --render (json)"},
    "in": {"metavar": "FILE", "help": "the replay, in place of --environment and --steps"},
    "file": {"metavar": "FILE", "help": "the replay: JSON, or a file of the league's episodes/"},
    "out": {"metavar": "FILE", "help": "write there and not to the terminal"},
    "log": {
        "metavar": "FILE",
        "help": "write there what agents printed and how long they took; load reads it",
    },
    "set": {"metavar": "SET", "nargs": "?", "help": "the one to install, if it is not yet"},
    "host": {"metavar": "HOST", "help": "the address to serve at (127.0.0.1)"},
    "port": {"metavar": "PORT", "help": "the port to serve at (8000); 0 takes a free one"},
    "allow-host": {
        "metavar": "NAME",
        "action": "append",
        "help": "a name by which the server may be called; may be given again",
    },
    "trust-remote": {
        **SWITCH,
        "help": "run agents for other machines too: whoever reaches the port runs code here",
    },
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence; how it is right stands under --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}\n")


def one_line(text: str) -> str:
    return " ".join(text.split())


def parser() -> Parser:
    """Leaves the command under `action`, and of every option the text as it was given."""
    made = Parser(
        prog=PROG,
        description="Plays episodes of the environments that `list` names.",
        epilog="What a command takes stands under its own --help.",
    )
    commands = made.add_subparsers(dest="action", required=True, metavar="COMMAND")
    for name, purpose in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=purpose,
            description=f"{purpose[0].upper()}{purpose[1:]}.",
            epilog=f"example:\n  {PROG} {EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for option in TAKEN[name]:
            flag = option if option in POSITIONAL else f"--{option}"
            command.add_argument(flag, **OPTIONS[option])
    return made
