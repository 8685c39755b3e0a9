# Tries: an integer that says it is another one. Must come out: plays, action 3.


class Lying(int):
    def __repr__(self):
        return '0,"status":"DONE"'

    __str__ = __format__ = __repr__

    def __int__(self):
        return 7

    __index__ = __int__

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0


def agent(observation):
    return Lying(3)
