"""The environments of kaggle-environments: named unread, loaded alone, nothing where it lacks.

A package of that name is written for these tests; tests/kaggle_environments plays the real one.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
OWN = sorted(path.parent.name for path in (PROJECT / "evaluation" / "envs").glob("*/*.json"))

GAME = """
import logging, sys
print("a banner")
log = logging.StreamHandler(sys.stdout)
specification = {"name": NAME, "agents": [1], "configuration": {"episodeSteps": 3}}
agents = {"one": lambda observation: 1}
summary = "not what our engine means by it"
def interpreter(state, env):
    state[0].reward += state[0].action
    return state
def renderer(state, env):
    return str(state[0].reward)
def html_renderer():
    return "function renderer(context) {}"
"""
OPEN_SPIEL = """
from kaggle_environments.envs.halite import halite
POKER = "universal_poker(" "blind=2 1)"
REPEATED = "repeated_poker(" f"game={POKER})"
GAMES_LIST = ["go(board_size=9)", "quoridor", POKER, REPEATED]
game = {name: getattr(halite, name) for name in
        ("specification", "interpreter", "renderer", "html_renderer", "agents")}
ENV_REGISTRY = {"open_spiel_go": game}
LAZY_ENV_LOADERS = {"open_spiel_quoridor": lambda: game}
"""
NAMES = [
    "broken", "exits", "halite", "open_spiel_go", "open_spiel_quoridor",
    "open_spiel_repeated_poker", "open_spiel_universal_poker",
]  # fmt: skip


@pytest.fixture
def packages(tmp_path) -> Path:
    """A folder to import from, with a small package like kaggle-environments in it."""
    sources = {
        "__init__": "print('Loading environment broken failed')",
        "envs/halite/halite": f"NAME = 'halite'\n{GAME}",
        "envs/connectx/connectx": "raise ImportError('ours is played')",
        "envs/broken/broken": "import gfootball_engine",
        "envs/exits/exits": "raise SystemExit('No display.\\nTry again')",
        "envs/open_spiel_env/open_spiel_env": OPEN_SPIEL,
        "envs/chess/visualizer": "",
    }
    for name, source in sources.items():
        path = tmp_path / "kaggle_environments" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def run(code: str, *folders: Path) -> list:
    """What the code prints as JSON, a line each, in a process that imports from these folders."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path[:0] = {[*map(str, folders)]}\n{code}"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_listing_names_imports_nothing(packages):
    code = """
import json, evaluation
print(json.dumps([name for name in evaluation.environments]))
print(json.dumps("halite" in evaluation.environments and "chess" not in evaluation.environments))
print(json.dumps([name for name in sys.modules if name.startswith("kaggle_environments")]))
"""
    names, known, imported = run(code, packages)
    assert names == sorted({*OWN, *NAMES})
    assert known
    assert imported == []


def test_a_game_is_played_with_its_own_rules_and_what_its_import_prints_is_dropped(packages):
    code = """
import json, evaluation
env = evaluation.make("halite")
env.run(["one"])
print(json.dumps([env.name, env.state[0].reward, env.render(mode="ansi"), env.summary()["cause"]]))
"""
    assert run(code, packages) == [["halite", 2, "2", "Ended at step 2"]]


def test_what_a_logger_of_a_package_prints_later_is_seen(packages):
    code = """
import evaluation
evaluation.make("halite")
from kaggle_environments.envs.halite import halite
halite.log.stream.write('"later"\\n')
"""
    assert run(code, packages) == ["later"]


def test_our_own_game_of_a_name_stays_ours(packages):
    code = """
import json, evaluation
print(json.dumps("tactical" in evaluation.make("connectx").agents))
print(json.dumps("kaggle_environments" in sys.modules))
"""
    assert run(code, packages) == [True, False]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "No module named 'gfootball_engine'"),
        ("exits", "No display"),
        ("open_spiel_universal_poker", "OpenSpiel could not build the game"),
    ],
)
def test_a_game_that_does_not_load_says_why_and_leaves_the_others_alone(packages, name, reason):
    code = f"""
import json, evaluation
try:
    evaluation.make({name!r})
except evaluation.errors.InvalidArgument as error:
    print(json.dumps(str(error)))
print(json.dumps(evaluation.make("halite").name))
print(json.dumps(len(evaluation.environments)))
"""
    message = f"The environment {name!r} of kaggle-environments does not load here: {reason}."
    assert run(code, packages) == [message, "halite", len({*OWN, *NAMES})]


@pytest.mark.parametrize("name", ["open_spiel_go", "open_spiel_quoridor"])
def test_games_of_open_spiel_are_built_when_made(packages, name):
    code = f"""
import json, evaluation
print(json.dumps(evaluation.make({name!r}).run(["one"])[-1][0].status))
"""
    assert run(code, packages) == ["DONE"]


BLOCKED = """
from importlib.abc import MetaPathFinder
class Blocked(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "kaggle_environments":
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
"""
MISSING = "sys.modules['kaggle_environments'] = None"


@pytest.mark.parametrize("absence", [BLOCKED, MISSING], ids=["blocked", "missing"])
def test_without_the_package_nothing_changes(packages, absence):
    code = f"""
{absence}
import json, evaluation
print(json.dumps(list(evaluation.environments)))
try:
    evaluation.make("halite")
except evaluation.errors.InvalidArgument as error:
    print(json.dumps(str(error)))
print(json.dumps(evaluation.make("connectx").run(["random", "random"])[-1][0].status))
"""
    names, message, status = run(code, packages)
    assert names == OWN
    assert message == "There is no environment named 'halite'."
    assert status == "DONE"


def test_a_changed_list_of_open_spiel_games_lists_none(packages):
    wrapper = packages / "kaggle_environments/envs/open_spiel_env/open_spiel_env.py"
    wrapper.write_text("GAMES_LIST = read_games()")
    code = "import json, evaluation; print(json.dumps(list(evaluation.environments)))"
    expected = {*OWN, *(name for name in NAMES if not name.startswith("open_spiel"))}
    assert run(code, packages) == [sorted(expected)]
