# Tries: a file larger than any may be. Must come out: killed_by_signal.
import os
import signal


def agent(observation):
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    file = os.open("/tmp/large", os.O_CREAT | os.O_WRONLY)
    os.ftruncate(file, observation.file_bytes + 1)
