# Tries: arrays of ones without end. Must come out: out_of_memory.
try:
    from numpy import ones
except ImportError:

    def ones(size):
        return bytearray(b"x") * (8 * size)


hoard = []


def agent(observation):
    while True:
        hoard.append(ones(1 << 21))
