"""One seat trained from outside, as in Gym: the others play by themselves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evaluation.errors import InvalidArgument
from evaluation.runner import Runner
from evaluation.utils import Struct, structify

if TYPE_CHECKING:
    from evaluation.engine import Environment


class Trainer:
    """Plays the seat whose agent is None. The environment shows the episode at any time."""

    def __init__(self, env: "Environment", agents: Sequence[Any]) -> None:
        seats = [position for position, agent in enumerate(agents) if agent is None]
        if len(seats) != 1:
            raise InvalidArgument("Mark the one seat to train with None, and no other.")
        self.position = seats[0]
        self._env, self._agents = env, list(agents)
        self.reset()

    def reset(self) -> Struct:
        """Starts an episode and plays on to the seat's first turn; what the seat then sees."""
        self._env.reset(len(self._agents))
        self._runner = Runner(self._env, self._agents)
        self._advance()
        return self._env.observation(self.position)

    def step(self, action: Any) -> list[Any]:
        """[observation, reward, done, info] at the seat's next turn, or at the end.

        reward: earned since the seat's turn before, so that an episode's sum up to its result;
        None after a fault.
        """
        before = self._env.state[self.position]["reward"]
        self._env.step(*self._runner.act(action))
        self._advance()
        seat = self._env.state[self.position]
        reward = seat["reward"] if None in (seat["reward"], before) else seat["reward"] - before
        done = seat["status"] != "ACTIVE"
        return [self._env.observation(self.position), reward, done, structify(seat["info"])]

    def _advance(self) -> None:
        env = self._env
        while not env.done and env.state[self.position]["status"] == "INACTIVE":
            env.step(*self._runner.act())
