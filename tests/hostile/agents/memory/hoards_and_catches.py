# Tries: to catch every lack of memory and to ask again. Must come out: move_timeout.


def agent(observation):
    hoard = []
    while True:
        try:
            hoard.append(bytearray(1 << 24))
        except MemoryError:
            continue
