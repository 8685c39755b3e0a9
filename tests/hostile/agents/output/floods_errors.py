# Tries: to drown the worker in errors. Must come out: output_limit.
import os


def agent(observation):
    while True:
        os.write(2, b"\xff" * 100_000)
