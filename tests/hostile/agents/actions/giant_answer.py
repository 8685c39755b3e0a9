# Tries: to answer with ten megabytes. Must come out: output_limit.


def agent(observation):
    return "x" * 10_000_000
