# Tries: to end the runner by its own exceptions. Must come out: exception or exited.


def agent(observation):
    raise GeneratorExit
