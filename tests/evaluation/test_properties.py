"""Rules that hold for any actions: of a mover who is right, wrong, odd or hostile."""

import copy
import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import make, register, replay
from evaluation.errors import InvalidArgument
from evaluation.spec import FAULTS, STATUSES
from tests.evaluation.test_engine_custom import module
from tests.evaluation.test_replay_verify import dice

SECRET = 918273645
GAMES = {
    "connectx": {},
    "tictactoe": {},
    "rps": {"episodeSteps": 10},
    "identity": {"episodeSteps": 6},
}
LEGAL = {"connectx": "random", "tictactoe": "random", "rps": "statistical", "identity": 3}

names = st.sampled_from(list(GAMES))
seeds = st.integers(0, 10**6)
likely = st.integers(-1, 8)
odd = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=3), st.floats(), max_size=2)
    | st.builds(ValueError, st.text(max_size=5))
)
moves = st.lists(st.one_of(likely, likely, likely, odd), max_size=12)


def new(name, **info):
    env = make(name, GAMES[name], info)
    env.reset(2)
    return env


def script(actions, seen=None):
    """Answers these one after the other, then 0; spoils whatever it is given."""
    left = iter(actions)

    def agent(observation, configuration):
        if seen is not None:
            seen.append(repr((observation, configuration)))
        for part in (*observation.values(), observation, configuration):
            if hasattr(part, "clear"):
                part.clear()
        return next(left, 0)

    return agent


def text(value):
    return json.dumps(value, sort_keys=True)


def check(env):
    """What is true of every environment at any time."""
    assert len(env.steps) == len(env.logs)
    assert env.steps[-1] is env.state
    assert env.done == all(seat.status != "ACTIVE" for seat in env.state)
    for number, step in enumerate(env.steps):
        assert step[0].observation.step == number
        for seat, state in enumerate(step):
            assert set(state) == {"action", "reward", "info", "observation", "status"}
            assert state.status in STATUSES
            assert (state.reward is None) == (state.status in FAULTS)
            before = env.steps[number - 1][seat] if number else state
            assert before.status not in FAULTS or state.status in FAULTS
    replayed = env.toJSON()
    assert replayed["rewards"] == [state.reward for state in env.state]
    assert replayed["statuses"] == [state.status for state in env.state]
    assert replay.from_bytes(replay.to_bytes(replayed)) == json.loads(json.dumps(replayed))


@given(names, seeds, moves, moves)
@settings(max_examples=120, deadline=None)
def test_any_actions_keep_the_invariants(name, seed, first, second):
    random.seed(seed)
    env = make(name, {**GAMES[name], "seed": SECRET}, {"seed": SECRET})
    env.reset(2)
    configuration, seen = text(env.configuration), []
    env.run([script(first, seen), script(second, seen)])
    assert env.done
    check(env)
    assert seen
    assert not any(str(SECRET) in view for view in seen)
    assert text(env.configuration) == configuration
    assert [bool(env.fault(seat)) for seat in (0, 1)] == [s.status in FAULTS for s in env.state]


@given(names, st.lists(st.tuples(likely | odd, likely | odd), max_size=12))
@settings(max_examples=80, deadline=None)
def test_later_steps_leave_the_history_as_it_was(name, actions):
    env = new(name)
    for pair in actions:
        if env.done:
            break
        before = text(env.steps), text(env.logs)
        env.step(list(pair), [{"duration": 0.5, "stdout": "a", "stderr": ""}, {}])
        assert (text(env.steps[:-1]), text(env.logs[:-1])) == before
        check(env)


@given(names, seeds, moves, st.sampled_from([0, 1]))
@settings(max_examples=100, deadline=None)
def test_a_seat_that_plays_well_is_never_blamed(name, seed, actions, wrong):
    random.seed(seed)
    agents = [LEGAL[name]] * 2
    agents[wrong] = script(actions)
    env = new(name)
    env.run(agents)
    good = env.state[1 - wrong]
    assert good.status == "DONE"
    assert good.reward is not None
    assert env.fault(1 - wrong) == ""


@given(names, seeds, st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_clone_and_resume_go_on_as_the_original_does(name, seed, length):
    random.seed(seed)
    chance = random.Random(seed)

    def play(env, pairs):
        for pair in pairs:
            if env.done:
                break
            env.step(list(pair))
        return env

    pairs = [(chance.randrange(3), chance.randrange(3)) for _ in range(30)]
    env = play(new(name), pairs[:length])
    recorded = json.loads(json.dumps(env.toJSON()))
    resumed = make(
        name,
        recorded["configuration"],
        recorded["info"],
        steps=recorded["steps"],
        logs=recorded["logs"],
    )
    twin = env.clone()
    assert text(twin.toJSON() | {"id": 0}) == text(resumed.toJSON() | {"id": 0})
    play(twin, pairs[length:])
    assert text(env.toJSON()) == text(recorded)
    play(resumed, pairs[length:])
    play(env, pairs[length:])
    for other in (twin, resumed):
        assert text(other.toJSON() | {"id": 0}) == text(env.toJSON() | {"id": 0})
        check(other)


@given(seeds, st.integers(0, 4))
@settings(max_examples=20, deadline=None)
def test_a_clone_has_the_chance_of_the_original(seed, length):
    register("dice", module(dice, name="dice", version="1"))
    env = make("dice", info={"seed": seed, "chance": "seeded"})
    for _ in range(length):
        env.step([1])
    twin = env.clone()
    random.seed(seed + 1)
    while not env.done:
        assert text(env.step([1])) == text(twin.step([1]))
    assert replay.verify(twin.toJSON()) is None


def leaves(value, path=()):
    """The paths of all scalars in this JSON."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def changed(recorded, path, choice):
    """A copy with another value in this place."""
    twin = copy.deepcopy(recorded)
    place = twin
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    values = [None, True, "x", 0, 1, 2, 3, 0.5, 77]
    if path[-1] == "status":
        values = list(STATUSES)
    different = [value for value in values if type(value) is not type(old) or value != old]
    numbers = (int, float)
    place[path[-1]] = [
        value
        for value in different
        if isinstance(value, bool)
        or isinstance(old, bool)
        or not (isinstance(value, numbers) and isinstance(old, numbers) and value == old)
    ][choice % 5]
    return twin


@given(names, seeds, st.data())
@settings(max_examples=150, deadline=None)
def test_verify_takes_each_replay_and_finds_any_change_of_it(name, seed, data):
    random.seed(seed)
    env = new(name)
    env.run([LEGAL[name]] * 2)
    recorded = env.toJSON()
    assert replay.verify(recorded) is None
    assert replay.verify(replay.to_bytes(replay.strip_private(recorded))) is None
    parts = ("steps", "rewards", "statuses")
    places = list(leaves({part: recorded[part] for part in parts}))
    if data.draw(st.booleans()):
        places = [path for path in places if path[-1] == "action" and path[1]]
    path = places[data.draw(st.integers(0, len(places) - 1))]
    wrong = changed(recorded, path, data.draw(st.integers(0, 4)))
    found = replay.verify(wrong)
    assert found is not None
    if path[0] == "steps" and found.step is not None:
        assert found.step <= path[1]
        assert str(found).startswith(f"Step {found.step}, seat ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 50) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(names, st.data(), json_values)
@settings(max_examples=150, deadline=None)
def test_verify_never_raises_but_what_it_says(name, data, value):
    env = new(name)
    env.run([LEGAL[name]] * 2)
    recorded = env.toJSON()
    del recorded["specification"]
    place, key = recorded, data.draw(st.sampled_from(list(recorded)))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
        place = place[key]
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
    place[key] = value
    try:
        assert isinstance(replay.verify(recorded), replay.Difference | None)
    except InvalidArgument:
        return


@given(names, seeds, moves, moves)
@settings(max_examples=80, deadline=None)
def test_verify_takes_replays_of_faults(name, seed, first, second):
    random.seed(seed)
    env = new(name)
    env.run([script(first), script(second)])
    assert replay.verify(replay.to_bytes(env.toJSON())) is None


class Raising:
    """Every operator of it raises."""

    def _refuse(self, *_):
        raise RuntimeError("hostile")

    __eq__ = __hash__ = __repr__ = __deepcopy__ = __bool__ = __len__ = __iter__ = _refuse


class Agreeing:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __deepcopy__(self, memo):
        return self


class Liar:
    @property
    def __class__(self):
        return int


class Changeling:
    """Becomes something else when copied."""

    def __init__(self, other):
        self.other = other

    def __deepcopy__(self, memo):
        return self.other


class Number(int):
    __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __repr__ = __deepcopy__ = Raising._refuse
    __hash__ = int.__hash__


class Words(str):
    __eq__ = __repr__ = __deepcopy__ = Raising._refuse
    __hash__ = str.__hash__


class Items(list):
    __iter__ = __eq__ = __deepcopy__ = Raising._refuse

    def __len__(self):
        return -1


class Fields(dict):
    __iter__ = __getitem__ = __eq__ = items = keys = values = get = Raising._refuse


def nested(levels, wrap):
    value = 0
    for _ in range(levels):
        value = wrap(value)
    return value


def endless(value, add):
    add(value)
    return value


class Unnamed:
    @property
    def __class__(self):
        raise RuntimeError("hostile")


class Exits:
    def __deepcopy__(self, memo):
        raise SystemExit(3)


class TwoFaced(int):
    """A legal action when it is checked, a hostile one when it is kept."""

    def __deepcopy__(self, memo):
        self.copies = getattr(self, "copies", 0) + 1
        return self if self.copies % 2 else Raising()


class Unspeakable(Exception):
    __repr__ = __str__ = __getattribute__ = Raising._refuse


HOSTILE = {
    "nan": float("nan"),
    "infinity": float("inf"),
    "minus infinity": -float("inf"),
    "huge": 10**5000,
    "65 bits": 2**64,
    "a numeral": "3",
    "bytes": b"\xff",
    "a set": {1},
    "a class": int,
    "a function": lambda: 1,
    "a generator": (item for item in [1]),
    "a tuple": (1, 2),
    "a million items": [0] * 10**6,
    "1 MB": "x" * 2**20,
    "1 MB of surrogates": "\ud800" * 2**20,
    "a surrogate": "\ud800",
    "a surrogate as key": {"\udfff": 1},
    "no text as key": {None: 1, 2: 3},
    "nan inside": [{"a": float("nan")}],
    "200 lists": nested(200, lambda value: [value]),
    "200 objects": nested(200, lambda value: {"a": value}),
    "100,000 lists": nested(100_000, lambda value: [value]),
    "a list of itself": endless(loop := [], lambda _: loop.append(loop)),
    "an object of itself": endless(ring := {}, lambda _: ring.update(a=ring)),
    "raises": Raising(),
    "agrees": Agreeing(),
    "lies": Liar(),
    "becomes hostile": Changeling(Raising()),
    "a raising number": Number(99),
    "raising words": Words("x"),
    "raising items": Items([1]),
    "raising fields": Fields(a=1),
    "an exception": ValueError("x"),
    "an exit": SystemExit(1),
    "an interruption": KeyboardInterrupt(),
    "complex": 2j,
    "no class": Unnamed(),
    "exits when copied": Exits(),
    "two faces": TwoFaced(99),
    "an unspeakable exception": Unspeakable(),
}


@pytest.mark.parametrize("error", [Unspeakable, SystemExit, RecursionError])
def test_a_raised_exception_is_an_error_of_its_seat(error):
    def agent():
        raise error

    env = new("connectx")
    env.run([agent, "random"])
    assert [seat.status for seat in env.state] == ["ERROR", "DONE"]
    check(env)


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("action", HOSTILE)
def test_a_hostile_action_ends_in_its_own_fault_at_most(name, action):
    for seat in (0, 1):
        agents = [LEGAL[name]] * 2
        agents[seat] = lambda: HOSTILE[action]
        env = new(name)
        started = time.monotonic()
        env.run(agents)
        assert time.monotonic() - started < 5
        assert env.state[1 - seat].status == "DONE"
        assert name == "identity" or env.state[seat].status in FAULTS
        check(env)
        assert replay.verify(replay.to_bytes(env.toJSON())) is None
