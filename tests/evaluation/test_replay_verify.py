"""A replay is played again from its seed and actions; any change of it is named with its place."""

import json
import random
from pathlib import Path

import pytest

from evaluation import errors, make, register, replay
from evaluation.match import AgentSpec, EpisodeSpec, play_episode
from evaluation.utils import resolve_episode_seed
from tests.evaluation.test_engine_custom import module

GOLDEN = Path(__file__).parent / "golden"
SEEDED = {"seed": 11, "chance": "seeded"}


def played(name, agents, configuration=None, info=None):
    env = make(name, configuration, info)
    env.run(agents)
    return env.toJSON()


def dice(state, env):
    """Whoever guesses the next roll gets a point. Draws from the global generator."""
    shared = state[0].observation
    if not env.done:
        for seat in state:
            seat.reward += seat.action == shared.roll
    shared.roll = random.randrange(1000)
    return state


def noted(state, env):
    """As halite: draws its seed at the first reset and notes it in the configuration."""
    if env.done:
        env.configuration.setdefault("randomSeed", random.randrange(10**6))
        random.seed(env.configuration.randomSeed)
        state[0].observation.roll = random.randrange(1000)
    return state


def resolved(state, env):
    """As newer games of kaggle-environments: a stream of its own, the seed kept in info."""
    if env.done:
        stream = random.Random(resolve_episode_seed(env))
        state[0].observation.roll = stream.randrange(1000)
    return state


def patient(state, env):
    """Goes on without the seats that have failed."""
    return state


SHARED = {"roll": {"type": "integer", "shared": True, "default": 0}}


@pytest.fixture(autouse=True)
def games():
    for game in (dice, noted, resolved, patient):
        register(game.__name__, module(game, name=game.__name__, version="1", observation=SHARED))


@pytest.mark.parametrize("name", ["connectx", "tictactoe", "rps"])
def test_an_episode_is_played_again_as_it_was(name):
    for seed in range(5):
        random.seed(seed)
        recorded = played(name, ["rock" if name == "rps" else "random", seed % 3])
        assert replay.verify(recorded) is None
        assert replay.verify(replay.to_bytes(recorded)) is None
        assert replay.verify(json.loads(json.dumps(recorded))) is None


def test_a_replay_of_kaggle_environments_verifies():
    assert replay.verify(json.loads((GOLDEN / "connectx.json").read_text())) is None


@pytest.mark.parametrize("game", ["tictactoe", "rps", "identity"])
def test_episodes_of_kaggle_environments_verify(game):
    golden = json.loads((GOLDEN / f"{game}.json").read_text())
    for recorded in golden["episodes"]:
        whole = {"name": game, "version": golden["version"], "info": {}, **recorded}
        found = replay.verify(whole)
        if recorded["configuration"].get("noise"):
            assert "not follow from its seed" in str(found)
        else:
            assert found is None


def test_a_replay_of_the_first_format_verifies():
    assert replay.verify((GOLDEN / "connectx.replay").read_bytes()) is None


@pytest.mark.parametrize(
    ("agent", "status"),
    [
        (lambda: 1 / 0, "ERROR"),
        (lambda: "left", "INVALID"),
        (lambda: float("nan"), "INVALID"),
        (lambda: 99, "INVALID"),
    ],
    ids=["raises", "no number", "not a number", "no such column"],
)
def test_faults_are_played_again(agent, status):
    recorded = played("connectx", ["random", agent])
    assert recorded["statuses"][1] == status
    assert replay.verify(recorded) is None


def test_a_game_that_goes_on_after_faults_verifies():
    for error in (ValueError("x"), errors.DeadlineExceeded("x"), "no number"):
        env = make("patient", info=SEEDED)
        env.reset(2)
        env.step([error, 1])
        env.step([None, 2])
        env.step([None, 3])
        recorded = env.toJSON()
        assert recorded["steps"][3][0]["reward"] is None
        assert recorded["statuses"][0] in {"ERROR", "TIMEOUT", "INVALID"}
        assert replay.verify(recorded) is None


def episode(agents, **configuration):
    """As the league plays it, without what its agents printed."""
    specs = [AgentSpec(agent, "builtin") for agent in agents]
    return play_episode(EpisodeSpec("connectx", configuration, specs, seed=3)).replay


def test_what_the_league_publishes_verifies():
    recorded = episode(["random", "negamax"], remainingOverageTime=3, runTimeout=60)
    assert "stdout" not in json.dumps(recorded)
    assert replay.verify(recorded) is None


def test_an_episode_that_ran_past_its_time_verifies():
    recorded = episode(["negamax", "negamax"], runTimeout=0.001)
    assert "TIMEOUT" in recorded["statuses"]
    assert replay.verify(recorded) is None
    recorded["steps"][-1][recorded["statuses"].index("DONE")]["status"] = "INACTIVE"
    assert replay.verify(recorded).path == "status"


def slow_episode():
    """Seat 1 uses 0.5 s and 0.25 s of its bank."""
    env = make("connectx", {"actTimeout": 1})
    env.step([3, None], [{"duration": 1.5}, {}])
    env.step([None, 3], [{}, {"duration": 0.9}])
    env.step([3, None], [{"duration": 1.25}, {}])
    return env.toJSON()


def test_clocks_come_from_the_logs():
    recorded = slow_episode()
    assert recorded["steps"][3][0]["observation"]["remainingOverageTime"] == 59.25
    assert replay.verify(recorded) is None
    recorded["logs"][3][0]["duration"] = 1.5
    assert replay.verify(recorded).path == "observation.remainingOverageTime"


def test_clocks_come_from_the_banks_where_no_logs_are_kept():
    recorded = slow_episode()
    del recorded["logs"]
    assert replay.verify(recorded) is None
    recorded["steps"][3][0]["observation"]["remainingOverageTime"] = 61
    assert replay.verify(recorded).path == "observation.remainingOverageTime"


def test_a_move_that_used_up_the_bank_is_played_again():
    env = make("connectx", {"actTimeout": 1, "remainingOverageTime": 2})
    env.step([errors.DeadlineExceeded("late"), None], [{"duration": 4.0}, {}])
    recorded = env.toJSON()
    assert recorded["statuses"][0] == "TIMEOUT"
    assert replay.verify(recorded) is None


def test_an_unfinished_episode_verifies():
    recorded = slow_episode()
    assert "ACTIVE" in recorded["statuses"]
    assert replay.verify(recorded) is None


def test_chance_comes_from_the_seed_where_info_says_so():
    recorded = played("dice", [3, 4], info=SEEDED)
    assert replay.verify(recorded) is None
    recorded["info"]["seed"] = 12
    found = replay.verify(recorded)
    assert (found.step, found.seat, found.path) == (0, 0, "observation.roll")
    assert "seed" not in str(found)


def test_chance_from_outside_is_named_as_a_reason():
    found = replay.verify(played("dice", [3, 4]))
    assert str(found).endswith("Its chance does not follow from its seed alone.")


@pytest.mark.parametrize("info", [{}, SEEDED], ids=["global chance", "seeded chance"])
@pytest.mark.parametrize("name", ["noted", "resolved"])
def test_a_game_that_writes_its_seed_down_verifies(name, info):
    recorded = played(name, [1, 2], info=info)
    assert replay.verify(recorded) is None
    for place in (recorded["configuration"], recorded["info"]):
        for seed in ("seed", "randomSeed"):
            if place.get(seed) is not None and not (name == "noted" and seed == "seed"):
                changed = json.loads(json.dumps(recorded))
                changed["info" if place is recorded["info"] else "configuration"][seed] += 1
                assert replay.verify(changed).path == "observation.roll"


def test_verifying_leaves_the_global_generator_alone():
    recorded = played("noted", [1, 2])
    random.seed(5)
    state = random.getstate()
    assert replay.verify(recorded) is None
    assert random.getstate() == state


def board(recorded):
    return recorded["steps"][2][0]["observation"]["board"]


CHANGES = {
    "an action": (lambda r: r["steps"][1][0].update(action=4), 1, 0, "board[36]"),
    "who moved": (lambda r: r["steps"][2][0].update(action=4), 2, 0, "action"),
    "a cell": (lambda r: board(r).__setitem__(0, 1), 2, 0, "board[0]"),
    "its type": (lambda r: board(r).__setitem__(0, False), 2, 0, "board[0]"),
    "a board": (lambda r: board(r).pop(), 2, 0, "board[41]"),
    "a mark": (lambda r: r["steps"][1][1]["observation"].update(mark=1), 1, 1, "mark"),
    "a reward": (lambda r: r["steps"][-1][1].update(reward=2), 7, 1, "reward"),
    "a status": (lambda r: r["steps"][-1][1].update(status="ERROR"), 7, 1, "status"),
    "a fault": (lambda r: r["steps"][3][0].update(action=None, status="ERROR"), 3, 0, "reward"),
    "a fact": (lambda r: r["steps"][3][0]["info"].update(more=1), 3, 0, "info.more"),
    "a field": (lambda r: r["steps"][3][0].pop("info"), 3, 0, "info"),
    "a seat": (lambda r: r["steps"][3].pop(), 3, None, "seats"),
    "a step": (lambda r: r["steps"].pop(4), 4, 0, ""),
    "more steps": (lambda r: r["steps"].append(r["steps"][-1]), None, None, "steps"),
    "the result": (lambda r: r["rewards"].reverse(), None, None, "rewards[0]"),
    "the end": (lambda r: r.update(statuses=["DONE", "ERROR"]), None, None, "statuses[1]"),
    "the rules": (lambda r: r["configuration"].update(inarow=3), None, None, ""),
    "the width": (lambda r: r["configuration"].update(columns=8), 0, 0, "board[42]"),
    "the length": (lambda r: r["configuration"].update(episodeSteps=5), 4, 0, "status"),
    "a version": (lambda r: r.update(version="0.9"), None, None, "version"),
}  # fmt: skip


@pytest.fixture(scope="module")
def game():
    """Seat 1 fills column 1 and wins at step 7."""
    return played("connectx", [1, 2])


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_where_it_is(game, change):
    edit, step, seat, place = CHANGES[change]
    changed = json.loads(json.dumps(game))
    edit(changed)
    found = replay.verify(changed)
    assert found is not None
    assert place in found.path
    assert (step, seat) in {(found.step, found.seat), (None, None)}


def test_a_difference_is_told_in_a_sentence(game):
    changed = json.loads(json.dumps(game))
    changed["steps"][2][0]["observation"]["board"][36] = 2
    assert str(replay.verify(changed)) == (
        "Step 2, seat 1: observation.board[36] is 2 in the replay, 1 when played again."
    )
    del changed["steps"][0][1]["reward"]
    assert str(replay.verify(changed)) == (
        "Step 0, seat 2: reward is missing in the replay, 0 when played again."
    )
    changed["version"] = "0.9"
    assert str(replay.verify(changed)) == "The replay is of connectx 0.9, here is connectx 1.0.1."


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("name", "no-such-game", "no environment"),
        ("name", 3, "has no name"),
        ("steps", [], "has no steps"),
        ("steps", [[]], "has no steps"),
        ("steps", [[1, 2]], "not lists of states"),
        ("steps", [[{}]], "not played by 1"),
        ("steps", None, "has no steps"),
        ("configuration", {"rows": -1}, "configuration is invalid"),
        ("info", [], "has no info"),
    ],
)
def test_what_is_no_replay_is_refused(game, part, value, sentence):
    with pytest.raises(errors.InvalidArgument, match=sentence):
        replay.verify({**game, part: value})


@pytest.mark.parametrize(
    "odd",
    [
        {"status": ["ACTIVE"]},
        {"action": {"a": [1]}},
        {"observation": 3},
        {"observation": {"remainingOverageTime": "x"}},
    ],
)
def test_odd_values_are_differences(game, odd):
    changed = json.loads(json.dumps(game))
    changed["steps"][1][0] |= odd
    for logs in ([], game["logs"], [[{"duration": "x"}, 3]] * len(game["steps"])):
        assert isinstance(replay.verify({**changed, "logs": logs}), replay.Difference)


def test_a_game_that_stops_is_a_difference():
    def broken(state, env):
        return state if env.done else state[0].observation.nothing

    register("dice", module(broken, name="dice", version="1", observation=SHARED))
    recorded = {**played("patient", [1]), "name": "dice"}
    assert "stops with MissingKey" in str(replay.verify(recorded))


def test_a_file_is_verified(tmp_path, game):
    packed, text, changed = (tmp_path / name for name in ("packed", "text", "changed"))
    packed.write_bytes(replay.to_bytes(game))
    text.write_text(" " + json.dumps(game))
    changed.write_text(json.dumps({**game, "rewards": [0, 0]}))
    for path in (packed, str(text)):
        assert replay.verify_file(path) == "connectx, 8 steps: played again as recorded."
    with pytest.raises(errors.InvalidArgument, match=r"rewards\[0\] is 0 in the replay"):
        replay.verify_file(changed)
    for damage in (b"", b"{", b'{"a":' * 5000, b"\x1f\x8b", b"{\xff}"):
        changed.write_bytes(damage)
        with pytest.raises(errors.InvalidArgument):
            replay.verify_file(changed)
