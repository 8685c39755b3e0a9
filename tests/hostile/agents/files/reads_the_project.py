# Tries: to read the project, its settings and its data. Must come out: plays, action 0.
import os
import sys

NAMES = (
    "",
    "manage.py",
    "league/settings.py",
    "evaluation/match.py",
    "var",
    "var/secret-key",
    ".venv/pyvenv.cfg",
    ".agent-venv/pyvenv.cfg",
    ".agent-venv/bin/python",
    ".git",
)


def agent(observation):
    seen = [name for name in NAMES if os.path.lexists(os.path.join(observation.project, name))]
    for name in ("evaluation", "league", "django", "redis", "celery", "orjson"):
        try:
            __import__(name)
            seen.append(name)
        except ImportError:
            continue
    print(seen, file=sys.stderr)
    return len(seen)
