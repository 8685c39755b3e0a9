# Tries: to take the next question from the runner's hand. Must come out: move_timeout or exited.
import contextlib
import os
import threading

questions = []


def take():
    while True:
        for number in (3, *range(5, 64)):
            with contextlib.suppress(OSError):
                os.set_blocking(number, False)
                questions.append(os.read(number, 1 << 16))


def agent(observation):
    if not observation.step:
        threading.Thread(target=take, daemon=True).start()
        return 0
    while True:
        pass
