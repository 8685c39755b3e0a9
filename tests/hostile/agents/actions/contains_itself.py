# Tries: to return a list that contains itself. Must come out: invalid_action.


def agent(observation):
    action = {}
    action["self"] = [action]
    return action
