# Tries: an array of arrays of arrays. Must come out: invalid_action.


class Array:
    def tolist(self):
        return [Array()]


def agent(observation):
    return Array()
