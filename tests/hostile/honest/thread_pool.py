# Needs: a pool of threads, kept from move to move. Must come out: plays, action 285.
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(4)


def agent(observation):
    return sum(pool.map(lambda number: number * number, range(10)))
