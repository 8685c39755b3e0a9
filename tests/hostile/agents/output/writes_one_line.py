# Tries: a line of ten megabytes. Must come out: plays, action 0.


def agent(observation):
    if not observation.step:
        print("x" * 10_000_000, end="")
    return 0
