# Needs: an alarm that ends its search. Must come out: plays, action 1.
import signal


class OutOfTime(Exception):
    pass


def ring(number, frame):
    raise OutOfTime


def agent(observation):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    depth = 0
    try:
        while True:
            depth += 1
    except OutOfTime:
        return int(depth > 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
