# Tries: to stop every clock of its interpreter. Must come out: move_timeout.
import time


def stopped(*arguments):
    return 0


for name in dir(time):
    if callable(getattr(time, name)) and name != "struct_time":
        setattr(time, name, stopped)


def agent(observation):
    while not time.monotonic():
        pass
