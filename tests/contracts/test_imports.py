"""The engine is light: what it must not load, and how long its import may take."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FORBIDDEN = ["django", "jax", "celery", "kaggle"]
HEAVY = [*FORBIDDEN, "jsonschema", "numpy", "requests", "orjson", "evaluation.envs.connectx"]
OWN = sorted(path.parent.name for path in PROJECT.glob("evaluation/envs/*/*.json"))
OF_ARRAYS = {"foraging"}  # the games that are played in NumPy
LIMIT_S = 0.06


def in_a_fresh_process(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


def loaded(code: str, names: list[str]) -> str:
    return in_a_fresh_process(f"import sys\n{code}\nprint(sorted(sys.modules.keys() & {names}))")


def test_the_import_loads_nothing_heavy():
    assert loaded("import evaluation", HEAVY) == "[]\n"


def playing(games: list[str]) -> str:
    return f"""
import evaluation
from evaluation import replay
for name in {games}:
    env = evaluation.make(name)
    env.run(["random"] * env.specification.agents[0])
    replay.from_bytes(replay.to_bytes(env.toJSON()))
    env.render(mode="html")
"""


def test_playing_every_game_loads_neither_django_nor_jax():
    assert loaded(playing(OWN), [*FORBIDDEN, "jsonschema", "requests"]) == "[]\n"


def test_only_games_of_arrays_load_numpy():
    assert loaded(playing(sorted({*OWN} - OF_ARRAYS)), ["numpy"]) == "[]\n"


def test_the_import_is_quick():
    code = "import time; t = time.process_time(); import evaluation; print(time.process_time() - t)"
    seconds = sorted(float(in_a_fresh_process(code)) for _ in range(5))
    assert seconds[0] < LIMIT_S
