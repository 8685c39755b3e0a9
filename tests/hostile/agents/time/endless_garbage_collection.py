# Tries: to loop whenever memory is collected. Must come out: move_timeout.
import gc


def forever(phase, info):
    while True:
        pass


def agent(observation):
    gc.callbacks.append(forever)
    return [[] for _ in range(100_000)]
