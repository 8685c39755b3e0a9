# Tries: to take all memory while it is imported. Must come out: out_of_memory.
hoard = [bytearray(1 << 24) for _ in range(10_000)]


def agent(observation):
    return 0
