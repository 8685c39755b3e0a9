# Tries: to swallow whatever would interrupt it. Must come out: move_timeout.


def agent(observation):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue
