# Tries: to return a function and a generator. Must come out: invalid_action.


def agent(observation):
    return [agent, (number for number in range(3))]
