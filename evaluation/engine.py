"""Plays episodes: the state of every seat, one interpreter call a step, the three faults."""

import os
from collections.abc import Mapping, Sequence
from copy import copy, deepcopy
from functools import cached_property
from time import perf_counter
from typing import Any

from evaluation.agent import Capture
from evaluation.chance import Chance, own_chance
from evaluation.errors import FailedPrecondition, InvalidArgument, status_of
from evaluation.outcome import summarize
from evaluation.perception import Perception
from evaluation.registry import Game, environments
from evaluation.runner import LOG_LENGTH, Runner
from evaluation.spec import FAULTS, SOUND
from evaluation.trainer import Trainer
from evaluation.utils import Struct, arity, record, structify

Logs = list[dict[str, Any]]
SCHEMA_VERSION = 1
SEEDS = ("seed", "randomSeed")


def make(
    environment: str | Mapping[str, Any],
    configuration: Mapping[str, Any] | None = None,
    info: Mapping[str, Any] | None = None,
    steps: Sequence[Any] | None = None,
    logs: list[Logs] | None = None,
    debug: bool = False,
    state: Mapping[str, Any] | None = None,
) -> "Environment":
    """An environment by name, or by the dictionary that `register` takes.

    steps: resume after these; state: start from this state of seat 0.
    """
    game = environments.game(environment)
    try:
        return Environment(game, configuration, info, steps, logs, debug, state)
    except ImportError as error:  # a game from elsewhere may find only now what it lacks
        raise InvalidArgument(f"The environment does not start here: {error}.") from error


def evaluate(
    environment: str | Mapping[str, Any],
    agents: Sequence[Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
    steps: Sequence[Any] | None = None,
    num_episodes: int = 1,
    debug: bool = False,
    state: Mapping[str, Any] | None = None,
) -> list[list[float | None]]:
    """The rewards of every seat at the end of each of `num_episodes` episodes."""
    env = make(environment, configuration, steps=steps, debug=debug, state=state)
    return [[seat["reward"] for seat in env.run(agents or [])[-1]] for _ in range(num_episodes)]


class Environment:
    """One game with its configuration, and the episode that is played in it.

    `state` holds a Struct per seat (action, reward, info, observation, status), `steps` every
    state so far, `logs` what was printed and how long it took, by step and seat.
    """

    def _prepare(
        self,
        game: Game,
        configuration: Mapping[str, Any] | None,
        info: Mapping[str, Any] | None,
        logs: list[Logs] | None,
        debug: bool,
    ) -> None:
        """Everything but an episode."""
        self._game = game
        self._spec = game.specification
        self._perception = Perception(game) if self._spec.transient else None
        self._interpreter_arity = arity(game.interpreter)
        self.interpreter, self.renderer = game.interpreter, game.renderer
        self.html_renderer = game.html_renderer
        self._capture = Capture()
        self._faults: dict[int, str] = {}
        self._chance: Chance | None = None
        self.id = os.urandom(16).hex()
        self.debug = debug
        self.agents = Struct(game.agents)
        self.configuration = self._spec.configure(_mapping(configuration, "configuration"))
        self.info: Struct = structify(_mapping(info, "info"))
        if self.info.get("seed") is None and self.configuration.get("seed") is not None:
            self.info["seed"] = self.configuration["seed"]
        self.logs: list[Logs] = _rows(logs, "logs")
        self.state: list[Struct] = []
        self.steps: list[list[Struct]] = []

    def __init__(
        self,
        game: Game,
        configuration: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        steps: Sequence[Any] | None = None,
        logs: list[Logs] | None = None,
        debug: bool = False,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._prepare(game, configuration, info, logs, debug)
        history = _rows(steps, "steps")
        if history:
            self._load(history[-1])
            self.steps = [*(record(step) for step in history[:-1]), self.state]
            self._chance = own_chance(self.info, len(history))
        elif state is not None:
            others = self._spec.published["agents"][0] - 1
            self._load([_mapping(state, "state"), *({} for _ in range(others))])
        else:
            self.reset()

    @cached_property
    def specification(self) -> Struct:
        """A copy of its own: a change to it changes no other environment."""
        specification: Struct = structify(self._spec.published)
        return specification

    @property
    def name(self) -> str:
        return str(self._spec.published["name"])

    @property
    def version(self) -> str:
        return str(self._spec.published["version"])

    @property
    def done(self) -> bool:
        """Whether no seat is ACTIVE."""
        for seat in self.state:  # noqa: SIM110 - the generator of `all` costs more than the loop
            if seat["status"] == "ACTIVE":
                return False
        return True

    def reset(self, num_agents: int | None = None) -> list[Struct]:
        """Starts a new episode, by default with the first number of seats that the game lists."""
        count = self._spec.published["agents"][0] if num_agents is None else num_agents
        self._check_count(count)
        self._faults = {}
        self._chance = own_chance(self.info)
        self.state = [self._opening(position) for position in range(count)]
        self.steps = [self.state]
        statuses = [seat["status"] for seat in self.state]
        for seat in self.state:
            seat["status"] = "INACTIVE"
        logs: Logs = []
        state = self._interpret([self._spec.lend(seat) for seat in self.state], logs, 0)
        self._accept(state)
        self.logs = [logs]
        if self.done and len(state) == count:
            for seat, status in zip(self.state, statuses, strict=True):
                seat["status"] = status
        return self.state

    def step(self, actions: Sequence[Any], logs: Sequence[Any] | None = None) -> list[Struct]:
        """Plays one step. An exception in place of an action is that seat's fault.

        logs: what each seat's agent printed, and its `duration`, which is charged to its bank.
        """
        if self.done:
            raise FailedPrecondition("The episode is over: reset the environment first.")
        if len(actions) != len(self.state):
            raise InvalidArgument(f"{len(self.state)} actions are needed.")
        return self._advance(actions, list(logs or []))

    def _advance(self, actions: Sequence[Any], logs: Logs) -> list[Struct]:
        seats = [self._take(position, action) for position, action in enumerate(actions)]
        self.state = self._interpret(seats, logs, len(self.steps))
        if self.state[0]["observation"]["step"] >= self.configuration["episodeSteps"] - 1:
            self._finish()
        self.steps.append(self.state)
        self.logs.append(logs)
        return self.state

    def run(self, agents: Sequence[Any]) -> list[list[Struct]]:
        """Plays an episode to its end and returns its steps.

        agents: for each seat an Actor, a function, a built-in's name, a path, source text or a
        fixed action. Raises DeadlineExceeded, with the seat that used the most time, when the
        episode takes longer than runTimeout.
        """
        if len(self.steps) == 1 or self.done:
            self.reset(len(agents))
        runner = Runner(self, agents)
        start = perf_counter()
        while not self.done:
            if perf_counter() - start - runner.excused >= self.configuration["runTimeout"]:
                raise runner.overtime()
            self._advance(*runner.act())
        return self.steps

    def fail(self, seat: int, error: BaseException) -> list[Struct]:
        """Ends the episode by this seat's fault; the interpreter says what the others get."""
        actions: list[Any] = [None] * len(self.state)
        actions[seat] = error
        self.step(actions)
        self._finish()
        return self.state

    def fault(self, seat: int) -> str:
        """Why the seat's status is ERROR, INVALID or TIMEOUT, in one sentence; else empty."""
        return self._faults.get(seat, "")

    def summary(self) -> dict[str, Any]:
        """How the episode ended: `cause`, `winner` and `decisive_step`."""
        return summarize(self.steps, self.configuration, self._game.summary)

    def render(self, mode: str = "human", **options: Any) -> str | None:
        """The state as `ansi` text, or the episode as `json` or as a self-contained `html` page.

        `human` prints the text, `ipython` shows the page in a notebook. options: of the page, as
        `evaluation.rendering` lists them.
        """
        from evaluation import rendering  # what it draws with would double the engine's import

        return rendering.render(self, mode, options)

    def train(self, agents: Sequence[Any]) -> Trainer:
        """Plays the seat whose agent is None by `reset()` and `step(action)`, as in Gym."""
        return Trainer(self, agents)

    def play(self, agents: Sequence[Any] | None = None, **options: Any) -> None:
        """Shows a copy in a notebook, where a person plays the seat whose agent is None."""
        from evaluation import notebook  # only notebooks want it

        notebook.play(self, agents, **options)

    def clone(self) -> "Environment":
        """A copy that goes on from here by itself."""
        twin = Environment.__new__(Environment)
        logs = structify(self.logs)
        twin._prepare(self._game, self.configuration, self.info, logs, self.debug)
        twin.steps = record(self.steps)
        twin.state = twin.steps[-1]
        twin._perception = copy(self._perception)
        twin._faults = dict(self._faults)
        twin._chance = deepcopy(self._chance)
        return twin

    def observation(self, position: int) -> Struct:
        """What the seat's agent may see: a copy, with what is shared and without what is hidden."""
        first, own = self.state[0], self.state[position]
        seen = self._spec.view.of(first["observation"], own["observation"])
        if self._perception:
            seen.update(self._perception.of(position, self))
        return seen

    def visible_configuration(self) -> Struct:
        """A copy without the seed, which would let an agent foresee chance."""
        configuration: Struct = structify(self.configuration)
        for name in SEEDS:
            if name in configuration:
                if name in self._spec.published["configuration"]:
                    configuration[name] = None
                else:
                    del configuration[name]
        return configuration

    def toJSON(self) -> dict[str, Any]:
        """The episode in the form that kaggle-environments writes and loads, and its logs."""
        spec = self.specification
        parts = ("action", "agents", "configuration", "info", "observation", "reward")
        return {
            "id": self.id,
            "name": spec["name"],
            "title": spec["title"],
            "description": spec["description"],
            "version": spec["version"],
            "configuration": structify(self.configuration),
            "specification": structify({part: spec[part] for part in parts}),
            "steps": structify(self.steps),
            "rewards": [seat["reward"] for seat in self.state],
            "statuses": [seat["status"] for seat in self.state],
            "schema_version": SCHEMA_VERSION,
            "info": structify(self.info),
            "logs": structify(self.logs),
        }

    def _accept(self, state: list[Struct]) -> None:
        """Takes the state that the interpreter opens with, completed where it lacks something."""
        if all(map(self._spec.is_seat, range(len(state)), state)):
            self._check_count(len(state))
            self.state, self.steps = state, [state]
        else:
            self._load(state)

    def _load(self, seats: Sequence[Mapping[str, Any]]) -> None:
        """Takes these seats, checked and completed, as the only step."""
        self._check_count(len(seats))
        given = [_mapping(seat, "state of a seat") for seat in seats]
        self.state = [self._spec.seat(position, seat) for position, seat in enumerate(given)]
        self.steps = [self.state]

    def _check_count(self, count: int) -> None:
        if count not in self._spec.published["agents"]:
            raise InvalidArgument(f"The environment is not played by {count} agents.")

    def _opening(self, position: int) -> Struct:
        seat = self._spec.opening(position)
        bank = self.configuration.get("remainingOverageTime")
        if bank is not None:
            seat["observation"]["remainingOverageTime"] = bank
        return seat

    def _finish(self) -> None:
        for seat in self.state:
            if seat["status"] not in FAULTS:
                seat["status"] = "DONE"

    def _take(self, position: int, action: Any) -> Struct:
        """The seat as the interpreter gets it: a copy with its action, or with its fault."""
        seat = self._spec.lend(self.state[position])
        seat["action"] = None
        kind = type(action)
        if issubclass(kind, BaseException):
            seat["status"] = status_of(kind)
            self._blame(position, f"{seat['status'].capitalize()}: {_named(action)}")
            return seat
        try:
            seat["action"] = self._spec.action(action)
        except InvalidArgument as error:
            seat["status"] = "INVALID"
            self._blame(position, error.message)
        return seat

    def _blame(self, position: int, reason: str) -> None:
        self._faults[position] = reason
        self.debug_print(reason)

    def debug_print(self, message: str) -> None:
        """Prints in debug mode; interpreters written for kaggle-environments call it."""
        if self.debug:
            print(message)

    def _interpret(self, seats: list[Struct], logs: Logs, number: int) -> list[Struct]:
        """The state of step `number`; what the interpreter prints becomes an entry of the logs."""
        arguments = (seats, self, logs)[: self._interpreter_arity]
        interpreter = self._chance.wrap(self.interpreter) if self._chance else self.interpreter
        if self.debug:
            return self._settle(interpreter(*arguments), logs, number)
        returned, _, stdout, stderr = self._capture.call(interpreter, arguments)
        if isinstance(returned, BaseException):
            raise returned
        state = self._settle(returned, logs, number)
        if stdout or stderr:
            length = self.configuration.get("maxLogLength", LOG_LENGTH)
            logs.append({"stdout": stdout[:length], "stderr": stderr[:length]})
        return state

    def _settle(self, returned: Sequence[Any], logs: Logs, number: int) -> list[Struct]:
        """Records what the interpreter returned, charges the banks and nulls failed rewards."""
        record_seat, limit = self._spec.record, self.configuration["actTimeout"]
        if self._perception:
            self._perception.take(returned)
        state = [record_seat(seat) for seat in returned]
        state[0]["observation"]["step"] = number
        for position, log in enumerate(logs[: len(state)]):
            if log and log.get("duration", 0) > limit:
                observation = state[position]["observation"]
                observation["remainingOverageTime"] -= log["duration"] - limit
        for position, seat in enumerate(state):
            if seat["status"] not in SOUND:
                self._rule(position, seat)
        return state

    def _rule(self, position: int, seat: Struct) -> None:
        """A seat that has failed gets no reward; a status that is a complaint becomes INVALID."""
        if seat["status"] not in self._spec.statuses:
            self._blame(position, str(seat["status"]))
            seat["status"] = "INVALID"
        if seat["status"] in FAULTS:
            self._faults.setdefault(position, f"The game ruled {seat['status']}.")
            seat["reward"] = None


def _mapping(given: Any, name: str) -> dict[str, Any]:
    if given is None or isinstance(given, Mapping):
        return dict(given or {})
    raise InvalidArgument(f"The {name} must be a dictionary.")


def _rows(given: Any, name: str) -> list[Any]:
    """A list of lists, copied at its top."""
    if given is None or (isinstance(given, list) and all(isinstance(row, list) for row in given)):
        return list(given or ())
    raise InvalidArgument(f"The {name} must be a list with a list for each step.")


def _named(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:  # foreign code
        return type(error).__name__
