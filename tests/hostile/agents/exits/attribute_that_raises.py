# Tries: an agent that fails when asked what it is. Must come out: exception.


class Agent:
    def __call__(self, observation):
        return 0

    def __getattr__(self, name):
        raise RuntimeError(name)


agent = Agent()
