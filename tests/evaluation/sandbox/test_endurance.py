"""A worker that has played thousands of episodes holds no more than one that has played some."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.sandbox.keeper import RECYCLE_AFTER_LAUNCHES
from evaluation.sandbox.nursery import SPARE
from evaluation.sandbox.view import PROJECT

EPISODES = int(os.environ.get("ENDURANCE_EPISODES", "10000"))
SEATS = 2
# Of one zygote: bubblewrap, its first process, the guard of the zygote's own space, the zygote;
# then the clones, each with the first process of its space.
PROCESSES = 4 + 2 * (SPARE + SEATS)
MEMORY_SLACK = 2 * 1024**2  # pages that the allocator keeps; 10,000 episodes would add KiB each
LIMIT_S = 900


def endure(folder: Path, episodes: int, early: int, recycle: int) -> dict:
    """What a worker of its own reports, which finds the folder for temporary files empty."""
    temporary, agents = folder / "tmp", folder / "agents"
    temporary.mkdir()
    agents.mkdir()
    options = [f"--episodes={episodes}", f"--early={early}", f"--recycle={recycle}"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluation.sandbox.endurance", agents, *options],
        cwd=PROJECT,
        env={"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def judge(report: dict, episodes: int, recycle: int) -> None:
    assert report["wrong"] == [], "episodes ended as they should not"
    assert sum(report["verdicts"].values()) == episodes
    assert set(report["verdicts"]) == {"", "exception", "exited", "invalid_action", "move_timeout"}
    assert report["zygotes"] >= 0.7 * SEATS * episodes / recycle, "zygotes were not recycled"
    assert report["zombies"] == []
    assert report["most_processes"] <= 2 * PROCESSES, "more than a zygote and its successor"
    for held in (report["early"], report["late"]):
        assert (held["processes"], held["uids"]) == (0, 0)
    assert report["late"]["descriptors"] == report["early"]["descriptors"]
    assert report["late"]["resident"] - report["early"]["resident"] < MEMORY_SLACK
    assert report["files"] == []


@pytest.mark.slow
def test_worker_is_the_same_after_hundreds_of_episodes(tmp_path):
    judge(endure(tmp_path, 300, 100, 60), 300, 60)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
def test_worker_is_the_same_after_thousands_of_episodes(tmp_path):
    report = endure(tmp_path, EPISODES, EPISODES // 10, RECYCLE_AFTER_LAUNCHES)
    judge(report, EPISODES, RECYCLE_AFTER_LAUNCHES)
