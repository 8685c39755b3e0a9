# Tries: to keep all processors busy while the opponent moves. Must come out: plays, action 0.
import hashlib
import threading

block = bytes(1 << 22)


def burn():
    while True:
        hashlib.sha256(block).digest()


def agent(observation):
    if not observation.step:
        for _ in range(4):
            threading.Thread(target=burn, daemon=True).start()
    return 0
