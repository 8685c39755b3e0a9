"""One episode, one match: the entries for the league. Knows neither Django, Celery nor a database.

Both functions leave no process behind: agents are killed when the call ends or its process dies.
"""

import dataclasses
import functools
import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import evaluation
from evaluation import packages
from evaluation.agent import METERS, Actor
from evaluation.engine import Environment
from evaluation.errors import DeadlineExceeded
from evaluation.replay import strip_private
from evaluation.sandbox.clock import HEAVY_SHARE
from evaluation.sandbox.cores import own_core
from evaluation.sandbox.keeper import Wanted
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.process import AgentProcess
from evaluation.seats import is_url
from evaluation.spec import FAULTS
from evaluation.url_agent import UrlAgent
from evaluation.verdict import Verdict

HEAVY_S = 0.1  # less is no load: each wake-up takes some microseconds
SHOWN_CHARS = 2000  # of an action that was refused

Kind = Literal["path", "url", "builtin"]
StageReport = Callable[[str, float], None]


@dataclass(frozen=True)
class AgentSpec:
    """One agent with its limits. source: a path to a file or folder, a URL, a built-in's name."""

    source: str
    kind: Kind = "path"
    name: str = ""
    startup_s: float = 10.0
    memory_mb: int = 1024
    packages: str = "numpy"  # a set that evaluation.packages knows

    @classmethod
    def of(cls, agent: "AgentSpec | Path | str | dict[str, Any]") -> "AgentSpec":
        if isinstance(agent, AgentSpec):
            return agent
        if isinstance(agent, dict):
            return cls(**agent)
        if is_url(str(agent)):
            return cls(str(agent), "url")
        return cls(str(agent), "path")


@dataclass(frozen=True)
class EpisodeSpec:
    """What one episode is played with; seconds as in the environment's configuration.

    clock: "charged" for processor time and sleep, "wall" for all time that passes. pondering:
    whether agents run in each other's turns. minimum: the weakest level of boxes that will do.
    """

    environment: str
    configuration: dict[str, Any]
    agents: Sequence[Any]
    seed: int | None = None
    url_allow: Sequence[str] = ()
    hidden: Sequence[str] = ()  # folders that no agent may see, beside the project's
    resolve: Callable[[str], Sequence[str]] | None = None
    clock: Literal["charged", "wall"] = "charged"
    pondering: bool = False
    minimum: str = "A"
    data_dir: str = ""  # where package sets are installed
    signing_key: str = ""  # the file that holds it; requests to URL agents are signed with it

    def __post_init__(self) -> None:
        object.__setattr__(self, "agents", tuple(AgentSpec.of(agent) for agent in self.agents))


@dataclass(frozen=True)
class EpisodeResult:
    """Lists run over the seats. scores: 1 won, 0.5 drawn, 0 lost; overage: seconds of bank left;
    moves, timings: what it played, and the seconds of each; logs: its private output by step."""

    statuses: list[str]
    rewards: list[float | None]
    scores: list[float]
    verdicts: list[dict[str, str] | None]
    logs: list[str]
    overage: list[float | None]
    moves: list[list[Any]]
    timings: list[list[float]]
    load_seconds: list[float]
    seconds: float
    replay: dict[str, Any]
    step_logs: list[list[dict[str, Any]]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # of the boxed seats, import included
    delay: list[float] = field(default_factory=list)  # spent waiting for a processor
    overloaded: bool = False  # the machine, for a fifth of the agents' time or more
    held_up: bool = False  # and only that made an agent late: by a clock of plain wall time
    level: str = ""  # of the boxes, where there were any


@dataclass(frozen=True)
class MatchSpec:
    episodes: Sequence[EpisodeSpec]


@dataclass(frozen=True)
class MatchResult:
    episodes: list[EpisodeResult]


def play(spec: MatchSpec, on_stage: StageReport | None = None) -> MatchResult:
    """Plays the episodes of a match, one after the other, each with fresh agents.

    One in which only the machine's load made an agent late is played again, once: that happens
    where the clock is plain wall time. The fair clock does not charge for the load.
    """
    return MatchResult([_play_fairly(episode, on_stage) for episode in spec.episodes])


def _play_fairly(spec: EpisodeSpec, on_stage: StageReport | None) -> EpisodeResult:
    result = play_episode(spec, on_stage)
    return play_episode(spec, on_stage) if result.held_up else result


def play_episode(spec: EpisodeSpec, on_stage: StageReport | None = None) -> EpisodeResult:
    """Plays one episode. An agent's fault is in the result; what raises is a fault of ours."""
    started = time.monotonic()
    info = None if spec.seed is None else {"seed": spec.seed, "chance": "seeded"}
    env = evaluation.make(spec.environment, spec.configuration, info)
    with ExitStack() as stack:
        if not spec.pondering:  # or one seat's threads could crowd the other off it
            stack.enter_context(own_core())
        seats = _seat_agents(spec, env, stack)
        # Whose verdict is on the whole episode, not on a move: so far those that did not load.
        whole = [seat for seat in seats if getattr(seat, "verdict", None)]
        if on_stage and not whole:
            on_stage("imported", max(map(_load_seconds, seats)))
        try:
            env.run(seats)
        except DeadlineExceeded as error:
            whole += _end_overtime(env, seats, error)
    return _result(env, spec, seats, whole, time.monotonic() - started)


def _seat_agents(spec: EpisodeSpec, env: Environment, stack: ExitStack) -> list[Any]:
    """Starts all agents at once, then waits for each to be loaded. Built-ins sit in by name."""
    agents = [_open(agent, spec, env) for agent in spec.agents]
    boxed = [agent for agent in agents if isinstance(agent, AgentProcess)]
    for box in boxed:
        stack.callback(box.close)
        box.start()
    for box in boxed:
        box.load()  # one that fails keeps its verdict and faults at its first move
    return agents


def _open(agent: AgentSpec, spec: EpisodeSpec, env: Environment) -> Actor | str:
    if agent.kind == "builtin":
        return agent.source
    if agent.kind == "url":
        return _remote(agent, spec)
    installed, _ = _installed(agent.packages, spec.data_dir)
    return AgentProcess(
        Path(agent.source),
        _limits(agent, installed, env),
        wanted=boxes_for(agent.packages, spec.data_dir, spec.hidden, spec.minimum),
        bank_s=env.state[0]["observation"].get("remainingOverageTime", 0.0),
        is_fair=spec.clock == "charged",
        pondering=spec.pondering,
    )


def _remote(agent: AgentSpec, spec: EpisodeSpec) -> UrlAgent:
    from evaluation.signing import SigningKey

    key = SigningKey.load_or_create(Path(spec.signing_key)) if spec.signing_key else None
    return UrlAgent(
        agent.source,
        environment=spec.environment,
        allow=spec.url_allow,
        resolve=spec.resolve,
        signer=key.signer(agent.source) if key else None,
    )


def boxes_for(name: str, data_dir: str, hidden: Sequence[str], minimum: str) -> Wanted:
    """The kind of boxes that agents with this set of packages play in."""
    installed, python = _installed(name, data_dir)
    return Wanted(
        python,
        tuple(Path(path) for path in hidden),
        installed.preload,
        tuple(installed.environment.items()),
        minimum,
    )


@functools.cache
def _installed(name: str, data_dir: str) -> tuple[packages.PackageSet, Path]:
    """A package set and its interpreter, as they are when this process first needs them."""
    folder = Path(data_dir) if data_dir else None
    return packages.find(name, folder), packages.python_of(name, folder)


def _limits(agent: AgentSpec, installed: packages.PackageSet, env: Environment) -> Limits:
    """The processor time is bounded by what the clocks of the episode can ever allow."""
    startup_s = max(agent.startup_s, installed.startup_s)
    return Limits(
        startup_s=startup_s,
        memory_bytes=max(agent.memory_mb, installed.memory_mb) * MIB,
        cpu_s=startup_s + env.configuration["runTimeout"],
    )


def _end_overtime(env: Environment, seats: list[Any], error: DeadlineExceeded) -> list[Any]:
    """The seat that used the time loses; the interpreter says what the others get."""
    seat = error.seat or 0
    env.fail(seat, error)
    if not hasattr(seats[seat], "verdict"):
        return []
    seats[seat].verdict = Verdict("episode_timeout", str(error))
    return [seats[seat]]


def _result(
    env: Environment, spec: EpisodeSpec, seats: list[Any], whole: list[Any], seconds: float
) -> EpisodeResult:
    rewards = [None if s["reward"] is None else float(s["reward"]) for s in env.state]
    verdicts = [_verdict(env, n, seat, seat in whole) for n, seat in enumerate(seats)]
    step_logs = [_step_logs(env, number) for number in range(len(seats))]
    load = _Load.of(seats)
    return EpisodeResult(
        statuses=[s["status"] for s in env.state],
        rewards=rewards,
        scores=_scores(rewards),
        verdicts=[verdict.to_json() if verdict else None for verdict in verdicts],
        logs=["".join(e["stdout"] + e["stderr"] for e in entries) for entries in step_logs],
        overage=[s["observation"].get("remainingOverageTime") for s in env.state],
        moves=[[env.steps[e["step"]][n]["action"] for e in log] for n, log in enumerate(step_logs)],
        timings=[[entry["seconds"] for entry in entries] for entries in step_logs],
        load_seconds=[_load_seconds(seat) for seat in seats],
        seconds=seconds,
        replay=_public_replay(env, spec, seats, verdicts, load),
        step_logs=step_logs,
        cpu=load.cpu,
        delay=load.delay,
        overloaded=load.is_heavy,
        held_up=load.is_heavy and any(map(_is_held_up, seats)),
        level=max((seat.level for seat in seats if isinstance(seat, AgentProcess)), default=""),
    )


@dataclass(frozen=True)
class _Load:
    """What the boxed agents used of the machine, and how long they waited for it, by seats."""

    wall: list[float]
    cpu: list[float]
    delay: list[float]

    @classmethod
    def of(cls, seats: list[Any]) -> "_Load":
        used = [getattr(seat, "used", []) for seat in seats]
        return cls(
            wall=[round(sum(one.wall for one in readings), 6) for readings in used],
            cpu=[round(sum(one.cpu for one in readings), 6) for readings in used],
            delay=[round(sum(one.delay for one in readings), 6) for readings in used],
        )

    @property
    def is_heavy(self) -> bool:
        waited = sum(self.delay)
        return waited >= HEAVY_S and waited > HEAVY_SHARE * sum(self.wall)


def _is_held_up(seat: Any) -> bool:
    """Whether it ran out of time by the wall only."""
    return isinstance(seat, AgentProcess) and seat.is_held_up


def _scores(rewards: list[float | None]) -> list[float]:
    """Mean score of each seat against the others; a fault (no reward) loses, two faults draw."""
    values = [float("-inf") if reward is None else reward for reward in rewards]
    if len(values) == 1:
        return [0.5]
    return [
        sum(
            1.0 if value > other else 0.5 if value == other else 0.0
            for j, other in enumerate(values)
            if j != i
        )
        / (len(values) - 1)
        for i, value in enumerate(values)
    ]


def _load_seconds(seat: Any) -> float:
    return float(getattr(seat, "load_seconds", 0.0))


def _verdict(env: Environment, number: int, seat: Any, is_whole: bool) -> Verdict | None:
    """Why this seat failed, if it did: what its box or connection says, else the engine."""
    status = env.state[number]["status"]
    if status not in FAULTS:
        return None
    own: Verdict | None = getattr(seat, "verdict", None)
    if own and is_whole:
        return own
    move = f"Move {len(env.steps) - 1}: "
    if own:
        return dataclasses.replace(own, message=move + own.message)
    if status == "TIMEOUT":
        had_bank = env.steps[-2][number]["observation"].get("remainingOverageTime", 0) > 0
        code = "bank_exhausted" if had_bank else "move_timeout"
        return Verdict(code, move + env.fault(number))
    return Verdict("invalid_action", move + env.fault(number), _what_was_wanted(env, seat))


def _what_was_wanted(env: Environment, seat: Any) -> str:
    """The value that was returned, as far as it is known, and the schema that it had to fit."""
    schema = json.dumps(env.specification["action"])
    returned = json.dumps(getattr(seat, "answered", None))[:SHOWN_CHARS]
    return f"Returned: {returned}\nThe game's action schema: {schema}\n"


def _step_logs(env: Environment, number: int) -> list[dict[str, Any]]:
    """This seat's own moves: step, output, seconds, bank left."""
    entries = []
    for step, logs in enumerate(env.logs):
        log = logs[number] if number < len(logs) else None
        if log and "duration" in log:
            bank = env.steps[step][number]["observation"].get("remainingOverageTime")
            entries.append(
                {
                    "step": step,
                    "stdout": log.get("stdout", ""),
                    "stderr": log.get("stderr", ""),
                    "seconds": round(log["duration"], 6),
                    "bank_left": bank and max(0.0, bank),
                    **{key: log[key] for key in METERS if key in log},
                }
            )
    return entries


def _public_replay(
    env: Environment,
    spec: EpisodeSpec,
    seats: list[Any],
    verdicts: list[Verdict | None],
    load: _Load,
) -> dict[str, Any]:
    replay = strip_private(env.toJSON())
    replay["info"] |= {
        "TeamNames": [
            agent.name or f"Seat {number + 1}" for number, agent in enumerate(spec.agents)
        ],
        "result": env.summary(),
        "verdicts": [v and [v.code, v.message, v.advice] for v in verdicts],
        "limits": _shown_limits(spec, seats),
        "overloaded": load.is_heavy,
    }
    return replay


def _shown_limits(spec: EpisodeSpec, seats: list[Any]) -> dict[str, Any]:
    """Those that the configuration does not show; of start-up and memory, the boxed seats'."""
    boxed = [seat.limits for seat in seats if isinstance(seat, AgentProcess)]
    return {
        "startup_s": max((limits.startup_s for limits in boxed), default=None),
        "memory_mb": max((limits.memory_bytes // MIB for limits in boxed), default=None),
        "packages": sorted({agent.packages for agent in spec.agents if agent.kind == "path"}),
        "clock": spec.clock,
        "pondering": spec.pondering,
    }
