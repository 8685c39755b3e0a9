# Tries: to loop when asked what it is. Must come out: startup_timeout.


class Agent:
    def __call__(self, observation):
        return 0

    def __getattr__(self, name):
        while True:
            pass


agent = Agent()
