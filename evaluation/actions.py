"""What the command line and the HTTP server do, one function an action; they print and send it."""

import dataclasses
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evaluation.agent import METERS, Actor
from evaluation.engine import Environment, make
from evaluation.errors import DeadlineExceeded, EngineError, InvalidArgument
from evaluation.registry import environments
from evaluation.request import Request, parse_json
from evaluation.runner import Runner
from evaluation.seats import EVERYWHERE, seat_agent
from evaluation.url_agent import LATE, RAISED
from evaluation.utils import structify
from evaluation.verdict import advice

if TYPE_CHECKING:
    from evaluation.match import AgentSpec, EpisodeResult

Logs = list[Any]
OF_AGENTS, OF_EPISODES = ("startup_s", "memory_mb", "packages"), ("clock", "pondering")
REPLAY_PARTS = ("name", "configuration", "steps")


class Forbidden(EngineError):
    """What this caller may not ask for, in one sentence."""


def check_caller(request: Request) -> None:
    """Raises Forbidden where another machine would have code run or requests sent from here."""
    if request.is_trusted or not request.agents:
        return
    builtin = environments.game(request.environment).agents
    if request.box or any(isinstance(a, str) and a not in builtin for a in request.agents):
        raise Forbidden("From another machine only built-in agents and fixed actions may play.")


def list_environments() -> list[str]:
    return list(environments)


def evaluate(
    request: Request, logs: Logs, progress: Callable[[Iterable[int]], Iterable[int]] = iter
) -> list[list[float | None]]:
    """The rewards of every episode. progress: wraps the numbers of the episodes."""
    rewards = []
    with Playing(request) as env:
        for number in progress(range(request.episodes)):
            if request.seed is not None:
                env.info["seed"] = request.seed + number
            env.run(request.agents)
            rewards.append([seat["reward"] for seat in env.state])
            logs.append(env.logs)
    return rewards


def run(request: Request, logs: Logs) -> str:
    """An episode played to its end, as it is to be shown. logs: get what it logged, come what may.

    So it is with the other actions.
    """
    if request.box:
        return _run_boxed(request, logs)
    with Playing(request) as env:
        try:
            env.run(request.agents)
        finally:
            logs += env.logs
        return _shown(env, request)


def step(request: Request, logs: Logs) -> str:
    """One step, in which every active agent is asked once."""
    with Playing(request) as env:
        if not request.steps and not request.state:
            env.reset(len(request.agents))
        if env.done:
            raise InvalidArgument("The episode is over: there is no step to play.")
        env.step(*Runner(env, request.agents).act())
        logs += env.logs
        return _shown(env, request)


def load(request: Request, logs: Logs) -> str:
    """An episode that has been played, in another form."""
    with Playing(request) as env:
        logs += env.logs
        return _shown(env, request)


class Acting:
    """One agent, which keeps its memory from request to request."""

    def __init__(self) -> None:
        self._actor: Actor | None = None

    def act(
        self, request: Request, logs: Logs, announce: Callable[[float], object] = float
    ) -> dict[str, Any]:
        """`{"action": …}` for `state.observation`. announce: is told the seconds that it has."""
        observation = request.state.get("observation")
        if not isinstance(observation, dict):
            raise InvalidArgument("The state needs an observation, a JSON object.")
        with Playing(request) as env:
            self._actor = self._actor or _seated(request, env)
            seen, configuration = structify(observation), env.visible_configuration()
            bank = seen.setdefault("remainingOverageTime", _bank(env))
            deadline_s = _seconds(configuration["actTimeout"]) + _seconds(bank)
            announce(deadline_s)
            action, log = self._actor.act(seen, configuration, deadline_s)
            logs.append(log)
            return {"action": LATE if log["duration"] > deadline_s else _portable(action)}


class Playing:
    """The environment of a request, while it is entered.

    What an environment raises when it was given a configuration, steps or a state is taken for
    their fault and becomes InvalidArgument; any other exception is a fault of ours.
    """

    def __init__(self, request: Request) -> None:
        self._request = request

    def __enter__(self) -> Environment:
        request = self._request
        info = dict(request.info)
        if request.seed is not None:
            info["seed"] = request.seed
            random.seed(request.seed)
        try:
            return make(
                request.environment,
                request.configuration,
                info,
                request.steps,
                request.logs,
                request.debug,
                request.state or None,
            )
        except Exception as error:
            self._judge(error)
            raise

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not self._request.debug:
            self._judge(error)

    def _judge(self, error: Exception) -> None:
        request = self._request
        given = request.configuration or request.steps or request.state
        if given and not isinstance(error, EngineError):
            sentence = f"{request.environment} cannot be played so: {error!r}."
            raise InvalidArgument(sentence) from error


def _seated(request: Request, env: Environment) -> Actor:
    actor = seat_agent(request.agents[0], env.agents, env.name)
    if actor is None:
        raise InvalidArgument("One agent must act, none was given.")
    return actor


def _bank(env: Environment) -> Any:
    return env.configuration.get("remainingOverageTime", 0)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise InvalidArgument("remainingOverageTime must be a number of seconds.")
    return float(value)


def _portable(action: Any) -> Any:
    """The action as the caller is told it; a fault in the words of kaggle-environments."""
    if isinstance(action, DeadlineExceeded):
        return LATE
    if isinstance(action, BaseException):
        return f"{RAISED}{action}"
    try:
        json.dumps(action, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return f"{RAISED}The action cannot be written as JSON."
    return action


def _shown(env: Environment, request: Request) -> str:
    options = {name: value for name, value in request.render.items() if name != "mode"}
    return str(env.render(request.mode, **options))


def read_replay(path: str) -> dict[str, Any]:
    """The fields of a replay, as `load` takes them: from JSON, or as the league keeps it."""
    content = Path(path).read_bytes()
    if content.lstrip().startswith((b"{", b"[")):
        found = parse_json("replay", content.decode("utf-8", "replace"))
    else:
        from evaluation.replay import from_bytes  # only here is packing wanted

        found = from_bytes(content)
    if not isinstance(found, dict) or any(part not in found for part in REPLAY_PARTS):
        raise InvalidArgument(f"{path} holds no replay: it needs {', '.join(REPLAY_PARTS)}.")
    return found


def read_logs(path: str) -> Any:
    return parse_json("log", Path(path).read_bytes().decode("utf-8", "replace"))


def _run_boxed(request: Request, logs: Logs) -> str:
    if request.seed is not None:
        random.seed(request.seed)
    with TemporaryDirectory(prefix="agents-") as folder:
        result = _play_boxed(request, Path(folder))
    logs += _logs(result)
    game = result.replay
    if request.mode == "json":
        return json.dumps(game, sort_keys=True)
    env = make(game["name"], game["configuration"], game["info"], game["steps"], game["logs"])
    shown = _shown(env, request)
    return _told(shown, result) if request.mode == "ansi" else shown


def _play_boxed(request: Request, folder: Path) -> "EpisodeResult":
    from evaluation.match import EpisodeSpec, play_episode
    from evaluation.packages import default_data_dir

    agents = [_boxed(agent, request, folder / str(n)) for n, agent in enumerate(request.agents)]
    whole = {key: request.limits[key] for key in OF_EPISODES if key in request.limits}
    return play_episode(
        EpisodeSpec(
            request.environment,
            request.configuration,
            agents,
            request.seed,
            url_allow=EVERYWHERE,
            data_dir=str(default_data_dir()),
            **whole,
        )
    )


def _boxed(agent: Any, request: Request, folder: Path) -> "AgentSpec":
    """A file is taken as the league takes an upload, and refused as it would be."""
    from evaluation.bundle import BundleError, unpack
    from evaluation.match import AgentSpec

    if not isinstance(agent, str):
        raise InvalidArgument("In the box play files, folders, URLs and built-in agents.")
    if agent in environments.game(request.environment).agents:
        return AgentSpec(agent, "builtin", agent)
    spec = AgentSpec.of(agent)
    if spec.kind == "url":
        return dataclasses.replace(spec, name=agent)
    path = Path(agent)
    if path.is_file():
        try:
            agent = str(unpack(path, path.name, folder).parent)
        except BundleError as error:
            raise InvalidArgument(str(error)) from None
    limits = {key: request.limits[key] for key in OF_AGENTS if key in request.limits}
    return AgentSpec(agent, "path", path.name, **limits)


def _told(board: str, result: "EpisodeResult") -> str:
    """The last board, how the episode ended, every fault, and how long the moves took."""
    lines = [board, result.replay["info"]["result"]["cause"]]
    for seat, verdict in enumerate(result.verdicts, start=1):
        if verdict:
            told = advice(verdict["code"], verdict["reason"])
            line = f"Seat {seat}: {verdict['message']} {told} [{verdict['code']}]"
            lines += [line, verdict["detail"].rstrip()]
    for seat, seconds in enumerate(result.timings, start=1):
        slowest = max(seconds, default=0.0)
        moves = "1 move" if len(seconds) == 1 else f"{len(seconds)} moves"
        lines.append(f"Seat {seat}: {moves}, the slowest took {slowest:.3f} s")
    return "\n".join(line for line in lines if line)


def _logs(result: "EpisodeResult") -> Logs:
    """What the seats printed, in the engine's form: by step and seat."""
    logs: Logs = [[{} for _ in result.statuses] for _ in result.replay["steps"]]
    for seat, entries in enumerate(result.step_logs):
        for entry in entries:
            kept = {key: entry[key] for key in ("stdout", "stderr", *METERS) if key in entry}
            logs[entry["step"]][seat] = {"duration": entry["seconds"], **kept}
    return logs
