# Tries: to change and to remove its opponent's code and its own. Must come out: plays, action 0.
import contextlib
import os


def agent(observation):
    done = 0
    for folder in (observation.opponent, "/kaggle_simulations/agent"):
        main = f"{folder}/main.py"
        for way, *arguments in (
            (open, main, "w"),
            (os.unlink, main),
            (os.rename, main, f"{main}2"),
            (os.chmod, main, 0),
            (os.truncate, main, 0),
            (os.mkdir, f"{folder}/numpy"),
            (os.rmdir, folder),
        ):
            with contextlib.suppress(OSError):
                way(*arguments)
                done += 1
    return done
