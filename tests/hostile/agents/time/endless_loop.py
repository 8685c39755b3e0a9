# Tries: to loop for ever in Python. Must come out: move_timeout.


def agent(observation):
    while True:
        pass
