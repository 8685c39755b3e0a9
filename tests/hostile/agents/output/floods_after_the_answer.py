# Tries: to drown the worker in output while its opponent moves. Must come out: output_limit.
import os
import threading
import time


def flood():
    while True:
        os.write(1, b"x" * 100_000)


def agent(observation):
    threading.Thread(target=flood, daemon=True).start()
    time.sleep(observation.step * 60)
    return 0
