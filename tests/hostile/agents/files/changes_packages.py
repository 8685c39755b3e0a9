# Tries: to plant code in the libraries that others import. Must come out: plays, action 0.
import contextlib
import importlib
import mmap
import os
import sys


def files():
    yield sys.executable
    for name in ("os", "json", "random", "numpy", "traceback"):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            yield module.__file__
            yield os.path.join(os.path.dirname(module.__file__), "sitecustomize.py")
    for module in list(sys.modules.values()):
        yield getattr(module, "__file__", None)
        yield getattr(module, "__cached__", None)


def agent(observation):
    changed = 0
    for path in filter(None, files()):
        with contextlib.suppress(OSError, ValueError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT))
            changed += 1
        with contextlib.suppress(OSError, ValueError):
            file = os.open(path, os.O_RDONLY)
            mmap.mmap(file, 4096, mmap.MAP_SHARED, mmap.PROT_WRITE)
            changed += 1
    return changed
