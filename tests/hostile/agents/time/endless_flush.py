# Tries: to loop when the runner flushes its output. Must come out: move_timeout.
import sys


class Stream:
    def write(self, text):
        return len(text)

    def flush(self):
        while True:
            pass


def agent(observation):
    sys.stdout = Stream()
    return 0
