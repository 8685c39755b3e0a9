# Tries: a dictionary that fails when its entries are asked for. Must come out: exception.


class Lying(dict):
    def items(self):
        raise RuntimeError("no entries")


def agent(observation):
    return Lying(x=1)
