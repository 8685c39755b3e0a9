"""Records what kaggle-environments does with agents that misbehave, for machines without it.

`python -m tests.kaggle_environments.golden_faults` writes tests/evaluation/golden/faults.json anew.
"""

import json
import random
from pathlib import Path
from typing import Any

from tests.kaggle_environments.parity import kaggle

PATH = Path(__file__).parents[1] / "evaluation" / "golden" / "faults.json"
SEED = 11
GAMES = {
    "connectx": ("random", {"rows": 4, "columns": 5, "inarow": 4, "episodeSteps": 8}),
    "rps": ("counter_reactionary", {"episodeSteps": 4}),
}
LATER = """
moves = 0
def agent(observation, configuration):
    global moves
    moves += 1
    return moves if moves < 2 else {answer}
"""
ANSWERS = {
    "boolean": "True",
    "dict": "{'action': 1}",
    "empty text": "''",
    "exception": "ValueError('returned')",
    "far too large": "2**62",
    "float": "1.5",
    "function": "len",
    "list": "[1]",
    "negative": "-1",
    "none": "None",
    "number as text": "'1'",
    "raised": "1 / 0",
    "too large": "99",
    "tuple": "(1,)",
}
SOURCES = {name: LATER.replace("{answer}", answer) for name, answer in ANSWERS.items()} | {
    "changes what it sees": """
def agent(observation, configuration):
    for value in observation.values():
        if isinstance(value, list):
            value[:] = [2] * len(value)
    observation.step, observation.mark, observation.reward = 0, 2, 100
    configuration.clear()
    return 1
""",
    "does not compile": "def agent(observation:\n    return 1\n",
    "fails at import": "import no_such_module\n\ndef agent():\n    return 1\n",
    "has no function": "answer = 'a text that is long enough'\n",
    "keeps a counter": LATER.replace("{answer}", "moves % 3"),
    "needs three arguments": "def agent(observation, configuration, more):\n    return 1\n",
    "prints": "def agent(observation):\n    print('seen', observation.step)\n    return 1\n",
    "raises at once": "def agent():\n    raise KeyError('no such thing')\n",
    "takes nothing": "def agent():\n    return 2\n",
}


def play(game: str, fault: str, seat: int) -> dict[str, Any]:
    rival, configuration = GAMES[game]
    agents = [rival, rival]
    agents[seat] = SOURCES[fault]
    random.seed(SEED)
    env = kaggle.make(game, dict(configuration))
    env.run(agents)
    played = env.toJSON()
    printed = [[log.get("stdout", "") for log in step] for step in env.logs[-len(env.steps) + 1 :]]
    parts = {part: played[part] for part in ("steps", "rewards", "statuses")}
    return {"game": game, "fault": fault, "seat": seat, **without_clocks(parts), "stdout": printed}


def without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key != "remainingOverageTime"}
        return {key: without_clocks(item) for key, item in kept.items()}
    return [without_clocks(item) for item in value] if isinstance(value, list) else value


def record() -> dict[str, Any]:
    episodes = [play(game, fault, seat) for game in GAMES for fault in SOURCES for seat in (0, 1)]
    return {
        "recorded_with": f"kaggle-environments {kaggle.__version__}",
        "seed": SEED,
        "games": {game: {"rival": r, "configuration": c} for game, (r, c) in GAMES.items()},
        "sources": SOURCES,
        "episodes": json.loads(json.dumps(episodes)),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(record(), separators=(",", ":")) + "\n")
