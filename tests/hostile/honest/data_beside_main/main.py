# Needs: modules, packages and data of its own bundle. Must come out: plays, action 42.
import csv
import os
import sys

from search.tree import best

HERE = os.path.dirname(__file__) if "__file__" in globals() else "/kaggle_simulations/agent"
sys.path.insert(0, os.path.join(HERE, "lib"))

import opening  # noqa: E402

with open(os.path.join(HERE, "data", "weights.csv")) as file:
    weights = [int(value) for row in csv.reader(file) for value in row]


def agent(observation, configuration):
    raw = configuration.__raw_path__
    with open(os.path.join(os.path.dirname(raw), "data", "weights.csv")) as again:
        assert again.read()
    return best(weights) + opening.BONUS
