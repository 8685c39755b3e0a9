"""Asks the seats of an environment for their actions, and keeps their clocks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evaluation.agent import METERS, Actor, Agent
from evaluation.errors import DeadlineExceeded, InvalidArgument
from evaluation.seats import seat_agent
from evaluation.utils import plain

if TYPE_CHECKING:
    from evaluation.engine import Environment, Logs

LOG_LENGTH = 10_000


class Runner:
    """The agents of one episode, seated."""

    def __init__(self, env: "Environment", agents: Sequence[Any]) -> None:
        if len(env.state) != len(agents):
            raise InvalidArgument(f"{len(env.state)} agents are needed, {len(agents)} were given.")
        self._env = env
        self._players = [seat_agent(agent, env.agents, env.name, env.debug) for agent in agents]
        self._seconds = [0.0] * len(self._players)
        self.excused = 0.0  # seconds that passed and that no seat is charged for
        self._log_length = env.configuration.get("maxLogLength", LOG_LENGTH)

    def act(self, own: Any = None) -> tuple[list[Any], "Logs"]:
        """An action and a log from every seat; None and an empty log where nobody is to move.

        own: the action of the seat that no agent sits in.
        """
        actions: list[Any] = []
        logs: Logs = []
        state = self._env.state
        for position, player in enumerate(self._players):
            action: Any = None
            log: dict[str, Any] = {}
            if state[position]["status"] == "ACTIVE":
                action, log = (own, {}) if player is None else self._move(position, player)
            actions.append(action)
            logs.append(log)
        return actions, logs

    def overtime(self) -> DeadlineExceeded:
        """What ends an episode that has passed its runTimeout."""
        limit = self._env.configuration["runTimeout"]
        used = max(self._seconds)
        seat = self._seconds.index(used)
        text = f"The episode took longer than its {limit} s; seat {seat + 1} used {used:.2f} s."
        return DeadlineExceeded(text, seat)

    def _move(self, position: int, player: Actor) -> tuple[Any, dict[str, Any]]:
        env = self._env
        seen, configuration = env.observation(position), env.visible_configuration()
        bank, limit = seen["remainingOverageTime"], env.configuration["actTimeout"]
        if not isinstance(player, Agent):
            seen, configuration = plain(seen), plain(configuration)
        action, log = player.act(seen, configuration, limit + bank)
        duration = log["duration"]
        self._seconds[position] += duration
        if "wall" in log:
            self.excused += max(0.0, log["wall"] - duration)
        if duration - limit > bank:
            action = DeadlineExceeded(f"The move took {duration:.2f} s.", position)
        length = self._log_length
        entry: dict[str, Any] = {
            "duration": round(duration, 6),
            "stdout": log["stdout"][:length],
            "stderr": log["stderr"][:length],
        }
        if "wall" in log:
            entry |= {key: round(log[key], 6) for key in METERS if key in log}  # type: ignore[literal-required]
        return action, entry
