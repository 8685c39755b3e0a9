# Tries: to start threads without end. Must come out: plays, action 0.
import threading

stop = threading.Event()


def agent(observation):
    started = 0
    try:
        while started < 1000:
            threading.Thread(target=stop.wait, daemon=True).start()
            started += 1
    except (RuntimeError, MemoryError):
        pass
    return max(0, started - observation.threads)
