# Tries: to leave by sys.exit, which no `except Exception` catches. Must come out: exited.


def agent(observation):
    exit()
