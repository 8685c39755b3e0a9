# Tries: to tell the other seat something by what is in memory. Must come out: plays, action 0.
import contextlib
import os

NOWAIT = 8
PAGE = 4096
could_ask = False


def large_file():
    """A library that nobody uses, the same for both seats."""
    libraries = os.path.dirname(os.__file__)
    names = ("pydoc_data/topics.py", "_pydecimal.py", "turtle.py", "tkinter/__init__.py")
    return next(path for name in names if os.path.exists(path := f"{libraries}/{name}"))


def is_cached(file):
    with contextlib.suppress(OSError):
        return os.preadv(file, [bytearray(16)], 16 * PAGE, NOWAIT) > 0
    return False


def agent(observation):
    global could_ask
    file = os.open(large_file(), os.O_RDONLY)
    if observation.seat == 1:
        with contextlib.suppress(OSError):
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        return 0
    if not observation.step:
        while os.read(file, 1 << 20):
            pass
        could_ask = is_cached(file)
        return 0
    return int(could_ask and not is_cached(file))
