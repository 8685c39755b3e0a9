# Needs: to silence what it calls. Must come out: plays, action 1.
import contextlib
import io
import logging
import os
import sys
import warnings

warnings.filterwarnings("ignore")
logging.basicConfig(level=logging.INFO, stream=sys.stderr)


def agent(observation):
    with contextlib.redirect_stdout(io.StringIO()) as spoken:
        print("hidden")
    with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):
        print("lost", file=sys.stderr)
    logging.info("step %s", observation.step)
    return int(spoken.getvalue() == "hidden\n")
