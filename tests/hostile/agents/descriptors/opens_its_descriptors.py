# Tries: to open its descriptors anew, with other rights. Must come out: plays, action 0.
import os


def agent(observation):
    opened = 0
    for folder in (
        "/proc/self/fd",
        "/dev/fd",
        "/proc/thread-self/fd",
        "/proc/self/fdinfo",
        "/proc/1/fd",
    ):
        for number in range(16):
            for mode in (os.O_RDONLY, os.O_RDWR, os.O_PATH):
                try:
                    os.close(os.open(f"{folder}/{number}", mode | os.O_NONBLOCK))
                    opened += 1
                except OSError:
                    continue
    return opened
