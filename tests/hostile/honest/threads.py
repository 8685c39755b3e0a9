# Needs: threads that share a queue, and end. Must come out: plays, action 45.
import queue
import threading


def agent(observation):
    numbers = queue.Queue()
    threads = [threading.Thread(target=numbers.put, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(numbers.get() for _ in threads)
