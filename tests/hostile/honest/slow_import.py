# Needs: half a second to load, within its allowance. Must come out: plays, action 1.
import time

time.sleep(0.5)


def agent(observation):
    return 1
