# Tries: to have the runner send each answer twice. Must come out: protocol_error.
import gc
import os


def twice(descriptor, data):
    os.write(descriptor, data)
    return os.write(descriptor, data)


def agent(observation):
    for thing in gc.get_objects():
        if type(thing).__name__ == "Channel":
            thing.write = twice
    return 0
