# Tries: to read and write whatever it has inherited. Must come out: plays, action 0.
import os
import stat


def contents(descriptor):
    for way in (lambda: os.pread(descriptor, 4096, 0), lambda: os.listdir(descriptor)):
        try:
            yield way()
        except OSError:
            continue


def agent(observation):
    strange = []
    for descriptor in range(4097):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        print(descriptor, status, *contents(descriptor))
        is_own = descriptor < 5 and (
            stat.S_ISFIFO(status.st_mode)
            or stat.S_ISSOCK(status.st_mode)
            or status.st_rdev == os.makedev(1, 3)
        )
        if not is_own:
            strange.append(descriptor)
    return len(strange)
