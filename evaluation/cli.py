"""`python -m evaluation`: games and episodes from a shell, and over HTTP.

Reads the options and prints; `actions` does the work.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

from evaluation import actions
from evaluation.errors import EngineError, InvalidArgument
from evaluation.options import one_line, parser
from evaluation.output import append_log, check_folder, whole_file
from evaluation.request import Request
from evaluation.sandbox.errors import BoxFailed

INTERRUPTED = 130
Options = dict[str, Any]
Logs = list[Any]


class InvalidOption(Exception):
    """The options do not make a request; why, in one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    reader = parser()
    options = vars(reader.parse_args(arguments))
    try:
        COMMANDS[options["action"]](options)
    except InvalidOption as error:
        reader.error(str(error))
    except (EngineError, BoxFailed, OSError) as error:
        print(one_line(str(error)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _list(options: Options) -> None:
    with _opened(options) as out:
        print(*actions.list_environments(), sep="\n", file=out)


def _evaluate(options: Options) -> None:
    request = _read(options)
    with _opened(options) as out, _Log(options) as logs:
        print(json.dumps(actions.evaluate(request, logs, _progress)), file=out)


def _play(options: Options) -> None:
    request = _read(options)
    play = actions.run if request.action == "run" else actions.step
    with _opened(options) as out, _Log(options) as logs:
        print(play(request, logs), file=out)


def _load(options: Options) -> None:
    replay = actions.read_replay(options["in"]) if options["in"] else {}
    if options["log"]:
        replay["logs"] = actions.read_logs(options["log"])
    given = {name: value for name, value in options.items() if value is not None}
    request = _read({**replay, **given})
    with _opened(options) as out:
        print(actions.load(request, []), file=out)


def _verify(options: Options) -> None:
    from evaluation import replay

    with _opened(options) as out:
        print(replay.verify_file(options["file"]), file=out)


def _act(options: Options) -> None:
    request = _read(options)
    logs: Logs = []
    with _opened(options) as out:
        print(json.dumps(actions.Acting().act(request, logs)), file=out)
    if options["log"]:
        append_log(options["log"], logs[0])


def _dispose(options: Options) -> None:
    """Every call is a process of its own, which has kept no agent."""
    with _opened(options) as out:
        print("Already disposed", file=out)


def _http_server(options: Options) -> None:
    from evaluation import server

    try:
        read = server.Options.read(options)
    except InvalidArgument as error:
        raise InvalidOption(str(error)) from None
    server.serve(read)


def _packages(options: Options) -> None:
    from evaluation import packages

    data_dir = packages.default_data_dir()
    if options["set"]:
        print(packages.python_of(options["set"], data_dir, _tell_progress))
    else:
        print(*packages.overview(data_dir), sep="\n")


def _read(options: Options) -> Request:
    try:
        return Request.read(options)
    except InvalidArgument as error:
        raise InvalidOption(str(error)) from None


def _opened(options: Options) -> AbstractContextManager[TextIO]:
    """Where the result goes; opened before anything is played, lest it be played for nothing."""
    return whole_file(options["out"]) if options["out"] else nullcontext(sys.stdout)


class _Log:
    """The list of logs, written to the file that --log names, also when the episode fails."""

    def __init__(self, options: Options) -> None:
        self._path: str | None = options["log"]
        self._logs: Logs = []

    def __enter__(self) -> Logs:
        if self._path:
            check_folder(self._path)
        return self._logs

    def __exit__(self, *reason: object) -> None:
        if self._path:
            with whole_file(self._path) as file:
                json.dump(self._logs, file, indent=2)


def _tell_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _progress(numbers: Iterable[int]) -> Iterable[int]:
    if not sys.stderr.isatty():
        return numbers
    from tqdm import tqdm

    return tqdm(numbers, unit="episode")


COMMANDS = {
    "list": _list,
    "evaluate": _evaluate,
    "run": _play,
    "step": _play,
    "load": _load,
    "verify": _verify,
    "act": _act,
    "dispose": _dispose,
    "http-server": _http_server,
    "packages": _packages,
}
