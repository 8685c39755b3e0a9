# Tries: to use up the threads that both seats may have. Must come out: plays, action 0.
import threading

stop = threading.Event()


def agent(observation):
    wanted = 1000 if observation.seat == 0 else 8 - 8 * observation.step
    started = 0
    try:
        while started < wanted:
            threading.Thread(target=stop.wait, daemon=True).start()
            started += 1
    except RuntimeError:
        pass
    return 0 if observation.seat == 0 else wanted - started
