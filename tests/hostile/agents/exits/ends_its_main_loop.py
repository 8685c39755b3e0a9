# Tries: to end the runner by its own exceptions. Must come out: exception.


def agent(observation):
    raise GeneratorExit
