# Tries: to sleep, which costs no processor time. Must come out: move_timeout.
import time


def agent(observation):
    time.sleep(600)
