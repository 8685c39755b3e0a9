"""Any game as a Gymnasium environment: one seat is trained, agents play the others.

It needs gymnasium, which is not among the packages that the project runs with.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

try:
    import gymnasium  # type: ignore[import-not-found,unused-ignore]
    from gymnasium import spaces
except ImportError as error:
    raise ImportError(
        "The Gymnasium environment needs gymnasium: install it with `pip install gymnasium`."
    ) from error

import numpy as np

from evaluation.engine import SEEDS, Environment, make
from evaluation.errors import InvalidArgument
from evaluation.gymnasium_spaces import Codec, derive, given
from evaluation.registry import environments

RENDER_MODES = ("ansi", "human", "html")


class SeatEnv(gymnasium.Env[Any, Any]):  # type: ignore[misc,unused-ignore]
    """One seat of an environment.

    agents: as for `Environment.train`, with None for the trained seat; by default that is the
    first, and the built-in `random` plays the others. Spaces are derived from the specification
    and the first observation. Where they cannot be, or not well (the columns of ConnectX have no
    upper bound there), give a space; with it `encode`, which makes an element of your observation
    space of an observation, and `decode`, which makes an action of an element of your action
    space. fault_reward: for a step that the engine answers with no reward, since the seat failed.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": 4}

    def __init__(
        self,
        environment: str | Mapping[str, Any],
        agents: Sequence[Any] | None = None,
        configuration: Mapping[str, Any] | None = None,
        *,
        action_space: spaces.Space[Any] | None = None,
        decode: Callable[[Any], Any] | None = None,
        observation_space: spaces.Space[Any] | None = None,
        encode: Callable[[Any], Any] | None = None,
        fault_reward: float = -1.0,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, *RENDER_MODES):
            raise InvalidArgument(f"There is no render mode {render_mode!r}.")
        self.render_mode = render_mode
        self.environment = make(environment, configuration)
        self._ending = _Ending(self.environment)
        self._trainer = self.environment.train(
            _default_agents(self.environment) if agents is None else agents
        )
        self.seat = self._trainer.position
        self._fault_reward = fault_reward
        self._is_over_at_once = False
        observing = given(observation_space, encode) or self._observation_codec()
        acting = given(action_space, decode=decode) or self._action_codec(environment)
        self.observation_space, self._encode = observing.space, observing.encode
        self.action_space, self._decode = acting.space, acting.decode

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Starts an episode. seed: of `random`, of NumPy's generator and of the game's own chance;
        without one these go on from where they are."""
        super().reset(seed=seed)
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)
        self._seed_game(int(self.np_random.integers(2**31)) if seed is None else seed)
        observation = self._trainer.reset()
        self._is_over_at_once = self.environment.done
        self._show()
        return self._encode(observation), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Plays on to the seat's next turn. truncated: episodeSteps ended the episode, and not the
        game's rules."""
        observation, reward, done = self._play(action)
        truncated = done and self._ending.is_cut(self.seat)
        self._show()
        reward = self._fault_reward if reward is None else float(reward)
        return self._encode(observation), reward, done and not truncated, truncated, self._info()

    def _play(self, action: Any) -> tuple[Any, float | None, bool]:
        if not self._is_over_at_once:
            observation, reward, done, _ = self._trainer.step(self._decode(action))
            return observation, reward, done
        # An opponent failed before the seat's first turn: only now can it be told.
        self._is_over_at_once = False
        state = self.environment.state[self.seat]
        return self.environment.observation(self.seat), state["reward"], True

    def render(self) -> Any:
        """The text or the page of the episode so far; nothing in the mode that prints it."""
        if self.render_mode in (None, "human"):
            return None
        return self.environment.render(mode=self.render_mode)

    def _show(self) -> None:
        if self.render_mode == "human":
            self.environment.render(mode="human")

    def _info(self) -> dict[str, Any]:
        status = self.environment.state[self.seat]["status"]
        return {"status": status, "fault": self.environment.fault(self.seat)}

    def _observation_codec(self) -> Codec:
        """Sizes that depend on the configuration are those of the first observation."""
        fields = self.environment.specification["observation"]
        shown = {key: field for key, field in fields.items() if not field.get("hidden")}
        seen = self.environment.observation(self.seat)
        return derive({"type": "object", "properties": shown}, seen, "observation")

    def _action_codec(self, environment: str | Mapping[str, Any]) -> Codec:
        """By the `action_schema(configuration)` that a game may export, or its specification."""
        module = environments[environment] if isinstance(environment, str) else environment
        narrow = module.get("action_schema")
        spec = self.environment.specification
        schema = narrow(self.environment.configuration) if narrow else spec["action"]
        return derive(schema, path="action")

    def _seed_game(self, seed: int) -> None:
        """Where interpreters look for it; it takes the place of a seed in the configuration."""
        env = self.environment
        env.info["seed"] = seed
        for name in SEEDS:
            if name in env.specification["configuration"]:
                env.configuration[name] = seed


class _Ending:
    """Listens to what an environment's interpreter says, before the engine ends the episode."""

    def __init__(self, env: Environment) -> None:
        self._interpreter, self._last = env.interpreter, [""]
        env.interpreter = self._interpret

    def _interpret(self, *arguments: Any) -> Any:
        state = self._interpreter(*arguments)
        self._last = [seat["status"] for seat in state]
        return state

    def is_cut(self, seat: int) -> bool:
        """Whether the game would have gone on for this seat."""
        return "ACTIVE" in self._last and self._last[seat] in ("ACTIVE", "INACTIVE")


def _default_agents(env: Environment) -> list[Any]:
    return [None, *["random"] * (env.specification["agents"][0] - 1)]


gymnasium.register(id="palaestra/Seat-v0", entry_point="evaluation.gymnasium_env:SeatEnv")
