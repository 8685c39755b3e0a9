# Tries: to die of an exception larger than any log. Must come out: exception or out_of_memory.


def agent(observation):
    raise ValueError("x" * 50_000_000)
