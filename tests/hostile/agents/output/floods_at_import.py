# Tries: to drown the worker in output before it plays. Must come out: output_limit.
while True:
    print("x" * 100_000)


def agent(observation):
    return 0
