# Tries: pools and queues of processes. Must come out: plays, action 0.
import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def double(number):
    return 2 * number


def process(method):
    context = multiprocessing.get_context(method)
    child = context.Process(target=double, args=(1,))
    child.start()


def pool():
    with ProcessPoolExecutor(2) as executor:
        executor.submit(double, 1).result(1)


def queue():
    multiprocessing.Queue().put(1)


def agent(observation):
    done = 0
    ways = [lambda m=method: process(m) for method in ("fork", "spawn", "forkserver")]
    for way in (*ways, pool, queue):
        try:
            way()
            done += 1
        except Exception:
            pass
    return done
