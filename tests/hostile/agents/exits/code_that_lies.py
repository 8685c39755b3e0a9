# Tries: to have no number of parameters. Must come out: exception.


class Code:
    co_flags = 0
    co_argcount = "many"


class Agent:
    __code__ = Code()

    def __call__(self, *arguments):
        return 0


agent = Agent()
