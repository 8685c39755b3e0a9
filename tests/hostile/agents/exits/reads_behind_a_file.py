# Tries: to read where a file has been cut off. Must come out: killed_by_signal.
import mmap


def agent(observation):
    with open("/tmp/cut", "w+b") as file:
        file.truncate(8192)
        window = mmap.mmap(file.fileno(), 8192)
        file.truncate(0)
        return window[5000]
