# Tries: to drown the worker in output. Must come out: output_limit.


def agent(observation):
    while True:
        print("x" * 100_000)
