# Tries: half of a surrogate pair as a key. Must come out: invalid_action.


def agent(observation):
    return {"\udfff": 1}
