"""What is transient in observations: agents see it, an episode's record does not keep it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evaluation.registry import Game
from evaluation.utils import structify

if TYPE_CHECKING:
    from evaluation.engine import Environment


class Perception:
    """The transient fields of every seat's observation in the present state of one episode."""

    def __init__(self, game: Game) -> None:
        self._keys, self._perceive = game.specification.transient, game.perceive
        self._seats: list[dict[str, Any]] = []

    def take(self, seats: Sequence[Any]) -> None:
        """Takes the fields out of the observations of a new state."""
        self._seats = [self._taken(seat["observation"]) for seat in seats]

    def of(self, position: int, env: "Environment") -> dict[str, Any]:
        """A copy of the seat's; where the episode was loaded, the game fills them in again."""
        if not self._seats and self._perceive:
            self.take(self._perceive(structify(env.state), env))
        return structify(self._seats[position]) if self._seats else {}

    def _taken(self, observation: dict[str, Any]) -> dict[str, Any]:
        return {key: observation.pop(key) for key in self._keys if key in observation}
