# Tries: threads with stacks larger than its memory. Must come out: plays, action 0.
import threading

SIZE = 1 << 26


def agent(observation):
    threading.stack_size(SIZE)
    stop = threading.Event()
    started = 0
    try:
        while started < 100:
            threading.Thread(target=stop.wait, daemon=True).start()
            started += 1
    except (RuntimeError, MemoryError):
        pass
    stop.set()
    return int(started * SIZE > observation.memory_bytes)
