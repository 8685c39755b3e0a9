# Tries: to loop when its action is thrown away. Must come out: move_timeout.


class Action(list):
    def __del__(self):
        while True:
            pass


def agent(observation):
    return Action()
