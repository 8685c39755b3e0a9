"""The real `scientific` set, from the package registry: agents written for it play in a box."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation import packages
from evaluation.packages import PackageSet
from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.process import AgentProcess

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--dry-run"]
WHEELS = ["--only-binary", ":all:", "--no-deps", "--ignore-installed", "--quiet"]
NUMBA = """
import numba
import numpy as np

@numba.njit
def total(values):
    result = 0.0
    for value in values:
        result += value
    return result

@numba.njit(parallel=True)
def squares(values):
    result = np.empty_like(values)
    for index in numba.prange(values.size):
        result[index] = values[index] ** 2
    return result

squares(np.ones(2)), total(np.ones(2))

def agent(observation):
    return total(squares(np.arange(float(observation.n))))
"""
SKLEARN = """
import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

inputs = np.arange(40.0).reshape(-1, 1)
classes = (inputs[:, 0] >= 20).astype(int)
forest = RandomForestClassifier(20, n_jobs=2, random_state=0).fit(inputs, classes)
neighbours = KNeighborsClassifier().fit(inputs, classes)
assert len(KMeans(2, n_init=1).fit(inputs).cluster_centers_) == 2

def agent(observation):
    question = [[float(observation.n)]]
    return [forest.predict(question)[0], neighbours.predict(question)[0]]
"""
OTHERS = """
import dill, humanize, joblib
import numpy as np
import pandas as pd
from scipy.optimize import linprog

days = pd.date_range("2024-03-30", periods=3, tz="Europe/Berlin")
table = pd.DataFrame({"a": [1, 2, 2], "day": days})
table.to_csv("/tmp/table.csv")
joblib.dump(np.arange(3), "/tmp/array.joblib")
double = dill.loads(dill.dumps(lambda number: 2 * number))
halves = joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-number) for number in range(3))

def agent(observation):
    return {
        "pandas": pd.read_csv("/tmp/table.csv").groupby("a").size().tolist(),
        "joblib": joblib.load("/tmp/array.joblib").tolist() + halves,
        "dill": double(observation.n),
        "humanize": humanize.intcomma(10**6),
        "scipy": linprog([1, 2], A_ub=[[-1, -1]], b_ub=[-1]).fun,
    }
"""
Play = Callable[[str], list[Any]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def scientific() -> PackageSet:
    words = [*PIP, *WHEELS, "--retries", "0", "--timeout", "10", "humanize"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"pip reaches no package registry: {done.stderr.strip().splitlines()[-1]}")
    return packages.find("scientific", None)


@pytest.fixture(scope="module")
def python(scientific, tmp_path_factory) -> Path:
    return packages.python_of(scientific.name, tmp_path_factory.mktemp("data"))


@pytest.fixture
def play(scientific, python, tmp_path) -> Play:
    """The actions of a boxed agent in observations with n = 10 and 30."""
    limits = Limits(startup_s=scientific.startup_s, memory_bytes=scientific.memory_mb * MIB)

    def play(source: str) -> list[Any]:
        agent = tmp_path / "main.py"
        agent.write_text(source)
        agent.chmod(0o644)
        with AgentProcess(agent, limits, agent_python=python) as box:
            assert box.load() is None, box.verdict
            return [box.act({"n": n}, {}, 5)[0] for n in (10, 30)]

    return play


def test_a_numba_agent_plays(play) -> None:
    assert play(NUMBA) == [285.0, 8555.0]


def test_a_scikit_learn_agent_plays(play) -> None:
    assert play(SKLEARN) == [[0, 0], [1, 1]]


def test_an_agent_of_all_the_others_plays(play) -> None:
    first, second = play(OTHERS)
    assert first == {
        "pandas": [1, 2],
        "joblib": [0, 1, 2, 0, 1, 2],
        "dill": 20,
        "humanize": "1,000,000",
        "scipy": 1.0,
    }
    assert second["dill"] == 60


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_wheels_exist_for_every_python(scientific, tmp_path, version) -> None:
    words = [*PIP, *WHEELS, "--python-version", version, "--target", tmp_path]
    done = subprocess.run([*words, *scientific.requirements], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
