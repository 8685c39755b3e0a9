# Tries: an array that becomes itself. Must come out: invalid_action.


class Array:
    def tolist(self):
        return self


def agent(observation):
    return Array()
