# Tries: to write a number with a billion digits. Must come out: out_of_memory.


def agent(observation):
    return f"{1:01000000000d}"
