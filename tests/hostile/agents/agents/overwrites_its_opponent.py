# Tries: to change and to remove its opponent's code and its own. Must come out: plays, action 0.
import contextlib
import os


def change_mode(path):
    """The box answers success and does nothing: what counts is what is seen afterwards."""
    before = os.stat(path).st_mode
    os.chmod(path, 0)
    if os.stat(path).st_mode == before:
        raise PermissionError


def agent(observation):
    done = 0
    for folder in (observation.opponent, "/kaggle_simulations/agent"):
        main = f"{folder}/main.py"
        for way, *arguments in (
            (open, main, "w"),
            (os.unlink, main),
            (os.rename, main, f"{main}2"),
            (change_mode, main),
            (os.truncate, main, 0),
            (os.mkdir, f"{folder}/numpy"),
            (os.rmdir, folder),
        ):
            with contextlib.suppress(OSError):
                way(*arguments)
                done += 1
    return done
