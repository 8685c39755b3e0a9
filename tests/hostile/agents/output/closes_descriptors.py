# Tries: to close what it talks through and to live on. Must come out: protocol_error.
import os


def agent(observation):
    os.closerange(0, 64)
    while True:
        pass
