# Tries: to loop while its traceback is written. Must come out: move_timeout.


class Endless(Exception):
    def __str__(self):
        while True:
            pass


def agent(observation):
    raise Endless
