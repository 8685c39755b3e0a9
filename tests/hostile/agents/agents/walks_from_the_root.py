# Tries: to read all that it can see, in search of a secret. Must come out: plays, action 0.
import os
import sys

LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/packages", sys.base_prefix)


def is_library(path):
    return path.startswith(LIBRARIES)


def agent(observation):
    found = 0
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if not is_library(os.path.join(folder, name))]
        for name in names:
            path = os.path.join(folder, name)
            try:
                file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                content = os.read(file, 1 << 16)
                os.close(file)
            except OSError:
                continue
            if observation.marker.encode() in content:
                print(path, content)
                found += 1
    return found
