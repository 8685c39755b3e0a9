"""Any game as a Gymnasium environment: one seat is trained, agents play the others.

The only module that needs gymnasium, which is not among the project's own packages.
"""

import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

try:
    import gymnasium  # type: ignore[import-not-found,unused-ignore]
    import numpy as np
    from gymnasium import spaces
except ImportError as error:
    raise ImportError(
        "The Gymnasium environment needs gymnasium: install it with `pip install gymnasium`."
    ) from error

from evaluation.engine import SEEDS, Environment, make
from evaluation.errors import InvalidArgument
from evaluation.registry import environments

RENDER_MODES = ("ansi", "human", "html")
MOST_CHOICES = 2**16
LONGEST_TEXT = 1000
MISSING: Any = object()


@dataclass(frozen=True)
class Codec:
    """A space, and how a value of JSON becomes an element of it and back.

    What is not there (None) becomes the element that stands for it, see `derive`.
    """

    space: spaces.Space[Any]
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


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
        observing = _given(observation_space, encode) or self._observation_codec()
        acting = _given(action_space, decode=decode) or self._action_codec(environment)
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


def _given(
    space: spaces.Space[Any] | None,
    encode: Callable[[Any], Any] | None = None,
    decode: Callable[[Any], Any] | None = None,
) -> Codec | None:
    """A space of the user's own; without a function, its elements are the values."""
    if space is None:
        return None
    return Codec(space, encode or (lambda value: value), decode or _plain)


def _plain(element: Any) -> Any:
    """An element of any space in the types of JSON; an array with one number is that number."""
    if isinstance(element, np.ndarray) and element.size == 1:
        return element.item()
    if isinstance(element, np.ndarray | np.generic):
        return element.tolist()
    if isinstance(element, Mapping):
        return {key: _plain(item) for key, item in element.items()}
    if isinstance(element, tuple | list):
        return [_plain(item) for item in element]
    return element


def derive(schema: Mapping[str, Any], example: Any = MISSING, path: str = "") -> Codec:
    """The space of a schema's values; raises InvalidArgument where it cannot be told.

    Few values become Discrete, numbers and grids of numbers Box, objects Dict, lists of anything
    else Sequence, text Text. example: a value, for what the schema leaves open. Where a value may
    lack, Discrete has one more element, below the others; elsewhere the zero of its kind stands
    for it.
    """
    if "enum" in schema:
        return _choice(list(schema["enum"]), _may_lack(schema, example))
    kind = _kind(schema, example)
    if kind not in DERIVERS:
        raise InvalidArgument(f"The space of the {path} cannot be derived: give one.")
    return DERIVERS[kind](schema, example, path)


def _kind(schema: Mapping[str, Any], example: Any) -> str | None:
    """The first type that is listed; without one, that of the example or the default."""
    kinds = schema.get("type") or []
    kinds = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind != "null"]
    if kinds:
        return str(kinds[0])
    value = schema.get("default") if example in (MISSING, None) else example
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return "object" if isinstance(value, Mapping) else names.get(type(value))


def _may_lack(schema: Mapping[str, Any], example: Any) -> bool:
    return example is None or "null" in schema.get("type", ())


def _choice(values: list[Any], may_lack: bool) -> Codec:
    """One of these values: consecutive integers stand for themselves, others by their place."""
    present = [value for value in values if value is not None]
    may_lack = may_lack or len(present) < len(values)
    if all(type(value) is int for value in present):
        low, high = min(present), max(present)
        if sorted(present) == list(range(low, high + 1)):
            return _discrete(low, high, may_lack)
    codes = _discrete(0, len(present) - 1, may_lack)
    return Codec(
        codes.space,
        lambda value: codes.encode(None if value is None else present.index(value)),
        lambda element: None if (code := codes.decode(element)) is None else present[code],
    )


def _discrete(low: int, high: int, may_lack: bool) -> Codec:
    start = low - may_lack
    missing = start if may_lack else None
    return Codec(
        spaces.Discrete(high - start + 1, start=start),
        lambda value: np.int64(start if value is None else value),
        lambda element: None if element == missing else int(element),
    )


def _boolean(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    return _choice([False, True], _may_lack(schema, example))


def _integer(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    low, high = _bounds(schema)
    if high - low < MOST_CHOICES:
        return _discrete(int(low), int(high), _may_lack(schema, example))
    return _box((low, high), (1,), np.int64, path, lambda array: array.item())


def _number(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    return _box(_bounds(schema), (1,), np.float64, path, lambda array: array.item())


def _text(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    longest = schema.get("maxLength", LONGEST_TEXT)
    space = spaces.Text(longest, min_length=0, charset=string.printable)
    return Codec(space, lambda value: value or "", str)


def _array(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    """Numbers of the example's shape, or of the shape that the schema fixes; else a Sequence."""
    items, given = schema.get("items") or {}, example if isinstance(example, list) else []
    grid = _grid(given) if given else _fixed_grid(schema)
    if grid is not None:
        inmost = _inmost(schema)
        return _box(_bounds(inmost), grid.shape, grid.dtype, path, lambda array: array.tolist())
    item = derive(items, given[0] if given else MISSING, f"{path}[]")
    return Codec(
        spaces.Sequence(item.space),
        lambda value: tuple(map(item.encode, value or ())),
        lambda element: list(map(item.decode, element)),
    )


def _grid(example: list[Any]) -> Any:
    """The list as an array of numbers; None where it is none."""
    try:
        array = np.array(example)
    except ValueError:  # rows of different lengths
        return None
    types = {"i": np.int64, "u": np.int64, "b": np.int64, "f": np.float64}
    return array.astype(types[array.dtype.kind]) if array.dtype.kind in types else None


def _fixed_grid(schema: Mapping[str, Any]) -> Any:
    """Zeros of the shape that the schema fixes; None where it does not, or not for numbers."""
    shape = []
    while schema.get("type") == "array":
        if not schema.get("minItems") or schema["minItems"] != schema.get("maxItems"):
            return None
        shape.append(schema["minItems"])
        schema = schema.get("items") or {}
    types = {"integer": np.int64, "number": np.float64}
    kind = schema.get("type") or ("integer" if "enum" in schema else None)
    return np.zeros(shape, types[kind]) if shape and kind in types else None


def _inmost(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "items" in schema:
        schema = schema["items"] or {}
    return schema


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    values = schema.get("enum") or [schema.get("minimum", -inf), schema.get("maximum", inf)]
    return min(values), max(values)


def _box(
    bounds: tuple[float, float],
    shape: tuple[int, ...],
    dtype: Any,
    path: str,
    decode: Callable[[Any], Any],
) -> Codec:
    zero = np.clip(np.zeros(shape), *bounds)

    def encode(value: Any) -> Any:
        array = np.array(zero if value is None else value, dtype)
        if array.size != zero.size:
            raise InvalidArgument(f"The size of the {path} varies: give an observation_space.")
        return array.reshape(shape)

    return Codec(spaces.Box(*bounds, shape, dtype), encode, decode)


def _object(schema: Mapping[str, Any], example: Any, path: str) -> Codec:
    """The schema's properties, and what else the example holds."""
    fields, given = schema.get("properties") or {}, example if isinstance(example, Mapping) else {}
    default = None if given else MISSING
    parts = {
        name: derive(fields.get(name) or {}, given.get(name, default), f"{path}.{name}")
        for name in dict.fromkeys([*fields, *given])
    }
    return Codec(
        spaces.Dict({name: part.space for name, part in parts.items()}),
        lambda value: {name: part.encode((value or {}).get(name)) for name, part in parts.items()},
        lambda element: {
            name: value
            for name, part in parts.items()
            if (value := part.decode(element[name])) is not None
        },
    )


DERIVERS: dict[str, Callable[[Mapping[str, Any], Any, str], Codec]] = {
    "array": _array,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "object": _object,
    "string": _text,
}
gymnasium.register(id="palaestra/Seat-v0", entry_point="evaluation.gymnasium_env:SeatEnv")
