# Tries: to end its process without a word. Must come out: exited.
import os


def agent(observation):
    os._exit(0)
