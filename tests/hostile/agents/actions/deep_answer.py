# Tries: to return lists nested a hundred deep. Must come out: invalid_action.


def agent(observation):
    action = 0
    for _ in range(100):
        action = [action]
    return action
