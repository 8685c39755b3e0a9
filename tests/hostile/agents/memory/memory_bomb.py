# Tries: to take all memory. Must come out: out_of_memory.


def agent(observation):
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))
