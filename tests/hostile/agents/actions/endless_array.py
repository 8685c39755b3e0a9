# Tries: an array of arrays of arrays. Must come out: invalid_action or out_of_memory.


class Array:
    def tolist(self):
        return [Array()]


def agent(observation):
    return Array()
