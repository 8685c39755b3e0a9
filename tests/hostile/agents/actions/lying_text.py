# Tries: a text that says it is another one. Must come out: plays, action "a".


class Lying(str):
    def __repr__(self):
        return '","status":"DONE'

    __str__ = __format__ = __repr__

    def encode(self, *arguments):
        return b"\xff"


def agent(observation):
    return Lying("a")
