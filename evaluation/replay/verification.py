"""Plays a replay again from its seed and its actions, and says where it first differs."""

import json
from dataclasses import replace
from math import nan
from os import PathLike
from pathlib import Path
from typing import Any

from evaluation.chance import Chance
from evaluation.engine import SEEDS, Environment, make
from evaluation.errors import DeadlineExceeded, InvalidArgument
from evaluation.replay.difference import BANK, Difference, first_difference, shortened
from evaluation.replay.packing import Replay, from_bytes, plain

Step = list[dict[str, Any]]
# What the engine turns into the faults that are recorded without an action.
OVERTIME = DeadlineExceeded("as recorded")
CAUSES = {"ERROR": RuntimeError("as recorded"), "TIMEOUT": OVERTIME, "INVALID": nan}
PARTS: dict[str, type] = {
    "name": str,
    "version": str,
    "configuration": dict,
    "info": dict,
    "steps": list,
    "rewards": list,
    "statuses": list,
}


def verify(replay: Replay | bytes) -> Difference | None:
    """Plays it again, without its agents; None where all is as recorded. Raises InvalidArgument.

    replay: packed, or the JSON of `toJSON()`, which may be kaggle-environments' own. An episode
    that began from a given `state`, or whose chance no seed decides, comes out otherwise.
    """
    recorded = from_bytes(replay) if isinstance(replay, bytes) else plain(replay)
    _check_form(recorded)
    try:
        found = _play_again(recorded, 0)
        if found and _play_again(recorded, 1) != found:
            more = "Its chance does not follow from its seed alone."
            return replace(found, reason=f"{found.sentence} {more}")
        return found
    except InvalidArgument:
        raise
    except Exception as error:  # any game's own, when it meets what no episode leads to
        message = f"The game stops with {type(error).__name__}: {shortened(str(error))}."
        return Difference("steps", None, None, reason=message)


def verify_file(path: str | PathLike[str]) -> str:
    """A sentence where the replay in this file, packed or JSON, is what was played.

    Raises InvalidArgument with the first difference where it is not.
    """
    content = Path(path).read_bytes()
    recorded = _json(content) if content.lstrip().startswith(b"{") else from_bytes(content)
    if difference := verify(recorded):
        raise InvalidArgument(str(difference))
    return f"{recorded['name']}, {len(recorded['steps'])} steps: played again as recorded."


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("The file holds no replay.") from error


def _check_form(recorded: Any) -> None:
    for part, kind in PARTS.items():
        if not isinstance(recorded.get(part), kind):
            raise InvalidArgument(f"The replay has no {part}.")
    steps = recorded["steps"]
    if not steps or not all(isinstance(step, list) and step for step in steps):
        raise InvalidArgument("The replay has no steps.")
    if not all(isinstance(seat, dict) for step in steps for seat in step):
        raise InvalidArgument("The replay's steps are not lists of states.")


def _play_again(recorded: Replay, outer_seed: int) -> Difference | None:
    """outer_seed: of the global generators, which a game may draw from or seed itself."""

    def play() -> Difference | None:
        return _Playback(recorded).difference()

    found: Difference | None = Chance(outer_seed).wrap(play)()
    return found


class _Playback:
    """The episode of a replay, played beside its record."""

    def __init__(self, recorded: Replay) -> None:
        self._recorded = recorded
        self._steps: list[Step] = recorded["steps"]
        self._env = _environment(recorded)
        logs = recorded.get("logs")
        has_clocks = isinstance(logs, list) and len(logs) == len(self._steps)
        self._logs = logs if has_clocks else None

    def difference(self) -> Difference | None:
        name, version, recorded = self._env.name, self._env.version, self._recorded["version"]
        if version != recorded:
            reason = f"The replay is of {name} {recorded}, here is {name} {version}."
            return Difference("version", recorded, version, reason=reason)
        self._env.reset(len(self._steps[0]))
        for number in range(len(self._steps)):
            found = self._step(number) if number else self._compared(0)
            if found:
                return found
        return self._compared_whole()

    def _step(self, number: int) -> Difference | None:
        if self._env.done:
            reason = f"The episode ends with step {number - 1}, the replay later."
            return Difference("steps", len(self._steps), number, reason=reason)
        recorded, state = self._steps[number], self._env.state
        if len(recorded) != len(state):
            return Difference("seats", len(recorded), len(state), number)
        actions = [_action(*seats) for seats in zip(state, recorded, strict=True)]
        is_last = number == len(self._steps) - 1
        twin = self._env.clone() if is_last and actions.count(OVERTIME) == 1 else None
        self._env.step(actions, self._clocks(number))
        found = self._compared(number)
        if found and twin:  # as an episode ends that ran past its runTimeout
            self._env = twin
            twin.fail(actions.index(OVERTIME), OVERTIME)
            found = self._compared(number)
        return found

    def _clocks(self, number: int) -> list[dict[str, float]]:
        """What each move took: as logged, else as the seat's bank tells."""
        state = self._env.state
        if self._logs is not None:
            return [_logged(entry) for entry in self._logs[number][: len(state)]]
        limit = self._env.configuration["actTimeout"]
        return [_told(*seats, limit) for seats in zip(state, self._steps[number], strict=True)]

    def _compared(self, number: int) -> Difference | None:
        for seat, played in enumerate(plain(self._env.state)):
            found = first_difference(self._steps[number][seat], played)
            if found:
                return replace(found, step=number, seat=seat)
        return None

    def _compared_whole(self) -> Difference | None:
        """Last the configuration, for a game may write into it while it is played."""
        state = self._env.state
        played = {
            "rewards": [seat["reward"] for seat in state],
            "statuses": [seat["status"] for seat in state],
            "configuration": self._env.configuration,
        }
        return first_difference({key: self._recorded[key] for key in played}, plain(played))


def _environment(recorded: Replay) -> Environment:
    """Blanked seeds are left out: `info` has them, and the reset blanks them again."""
    configuration = recorded["configuration"]
    given = {
        key: item for key, item in configuration.items() if item is not None or key not in SEEDS
    }
    return make(recorded["name"], given, recorded["info"])


def _action(state: dict[str, Any], recorded: dict[str, Any]) -> Any:
    """What the seat did: nothing where it was not to move, and a fault where it left no action.

    Who waits can fail, too: by its share of an episode that runs past its runTimeout.
    """
    action = recorded.get("action")
    if action is None and state["status"] in {"ACTIVE", "INACTIVE"}:
        return CAUSES.get(str(recorded.get("status")))
    return action if state["status"] == "ACTIVE" else None


def _logged(log: Any) -> dict[str, float]:
    seconds = log.get("duration") if isinstance(log, dict) else None
    return {"duration": seconds} if isinstance(seconds, int | float) else {}


def _told(state: dict[str, Any], recorded: dict[str, Any], limit: float) -> dict[str, float]:
    """A move that cost nothing of the bank is taken for one that took no time."""
    if state["status"] != "ACTIVE":
        return {}
    before, after = (seat["observation"].get(BANK, 0) for seat in (state, recorded))
    return {"duration": limit + before - after if before > after else 0.0}
