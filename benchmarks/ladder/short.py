"""The ladder's part of `make bench`: what a fit and the scheduler cost, and a few leagues."""

import os
import random
import statistics
import subprocess
import sys
import time

import numpy as np

from benchmarks.ladder.figures import SHORT, League, Run
from benchmarks.ladder.measures import Measures
from benchmarks.measure import Row
from evaluation.ladder.elo import Rating
from evaluation.ladder.pairing import Candidate, choose_pairs

FIT = """
import time
import numpy as np
from evaluation.ladder.counts import PairCounts
from evaluation.ladder.fit import fit

rng = np.random.default_rng(7)
size, episodes = 1000, 1_000_000
truth = rng.normal(0, 250, size)
first = rng.integers(0, size, episodes)
second = (first + rng.integers(1, size, episodes)) % size
won = rng.random(episodes) < 1 / (1 + 10 ** ((truth[second] - truth[first]) / 400))
keys, pair = np.unique(first * size + second, return_inverse=True)
wins, played = np.bincount(pair, won), np.bincount(pair)
columns = keys // size, keys % size, wins, np.zeros(len(keys)), played - wins
counts = PairCounts.from_counts(zip(*(column.tolist() for column in columns)))
spent, found = [], None
for start in (None, None, None, 0, 0, 0):
    begin = time.process_time()
    found = fit(counts, range(size), start=found if start == 0 else None)
    spent.append(time.process_time() - begin)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(sorted(spent[:3])[1], sorted(spent[3:])[1], int(status["VmHWM"].split()[0]) / 1024)
"""

FIELD, MATCHES, EPISODES_EACH = 500, 32, 40
STARTED = League(1, 12, 60)


def short_table() -> list[Row]:
    return [*_fit(), _scheduling(), *_leagues()]


def _fit() -> list[Row]:
    """In a process of its own, whose peak of memory is that of counts, log and fit together."""
    here = {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", FIT]
    done = subprocess.run(
        command, env=os.environ | here, capture_output=True, text=True, check=True
    )
    cold, warm, megabytes = map(float, done.stdout.split())
    what = "fit of 1,000 agents, 1,000,000 episodes"
    return [
        Row(f"{what}, cold", f"{cold:.2f} s of a core", "1 s", cold < 1),
        Row(f"{what}, from the last one", f"{warm:.2f} s of a core", "0.3 s", warm < 0.3),
        Row(f"{what}, peak of memory", f"{megabytes:.0f} MB", "400 MB", megabytes < 400),
    ]


def _scheduling() -> Row:
    rng = np.random.default_rng(3)
    ratings = [
        Rating(elo, se)
        for elo, se in zip(rng.normal(1000, 250, FIELD), rng.uniform(40, 120, FIELD), strict=True)
    ]
    candidates = [Candidate(n, n, *rating, 40, 40) for n, rating in enumerate(ratings)]
    met = {
        tuple(sorted(rng.choice(FIELD, 2, replace=False).tolist())): 1 for _ in range(FIELD * 20)
    }
    covariance = np.diag([rating.se**2 for rating in ratings])
    chance = random.Random(1)
    spent = []
    for _ in range(5):
        begin = time.process_time()
        choose_pairs(candidates, covariance, MATCHES, met=met, in_flight=(), rng=chance)
        spent.append(time.process_time() - begin)
    each = statistics.median(spent) / MATCHES * 1000
    what = f"scheduling among {FIELD} agents, {MATCHES} matches asked for at once"
    return Row(what, f"{each:.2f} ms a pair", "2 ms", each < 2)


def _leagues() -> list[Row]:
    numbers = range(SHORT, SHORT + STARTED.worlds)
    runs = [Run(STARTED, "ours", number, (EPISODES_EACH,)) for number in numbers]
    mean = Measures(*np.mean([run.measures()[-1] for run in runs], axis=0))
    what = f"{STARTED.size} agents, {EPISODES_EACH} episodes each, {STARTED.worlds} worlds"
    tenth, inside = mean.tolerant, mean.coverage
    return [
        Row(f"{what}: tau", f"{mean.tau:.3f}", "0.80", mean.tau >= 0.80),
        Row("shown top 10 within 15 Elo of the true tenth", f"{tenth:.2f}", "0.88", tenth >= 0.88),
        Row("regret of the shown top 10", f"{mean.regret:.1f} Elo", "10 Elo", mean.regret <= 10),
        Row(
            "truth inside the 95 % intervals",
            f"{inside:.3f}",
            "0.92 to 0.98",
            0.92 <= inside <= 0.98,
        ),
    ]
