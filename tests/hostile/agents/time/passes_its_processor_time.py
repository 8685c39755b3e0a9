# Tries: to burn processor time in many threads at once. Must come out: killed_by_signal.
import hashlib
import threading

block = bytes(1 << 22)


def burn():
    while True:
        hashlib.sha256(block).digest()


def agent(observation):
    threads = [threading.Thread(target=burn, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    threads[0].join()
