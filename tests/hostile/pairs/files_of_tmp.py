# Tries: to leave the other seat, or itself, a letter in files. Must come out: plays, action 0.
import contextlib
import os

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", ".", "/kaggle_simulations", "/dev/mqueue", "/")


def agent(observation):
    name = f"letter-of-seat-{observation.seat}"
    found = 0
    for place in PLACES:
        with contextlib.suppress(OSError):
            letters = {letter for letter in os.listdir(place) if letter.startswith("letter-")}
            own = {name} if observation.step else set()
            found += len(letters - own)
        with contextlib.suppress(OSError):
            os.close(os.open(f"{place}/{name}", os.O_CREAT | os.O_WRONLY))
    return found
