# Tries: to find a secret by path, environment, /proc, descriptors. Must come out: plays, action 0.
import contextlib
import os


def contents(observation):
    yield repr(dict(os.environ)).encode()
    for prefix in ("", "/proc/1/root", "/proc/self/root", "/proc/self/cwd/../../..", "../../.."):
        yield from whole_file(prefix + observation.canary)
    for folder in ("/proc", "/", "/kaggle_simulations", "/tmp", "/home", "/root", "/box", "/dev"):
        for _, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if "lib" not in name]
            for name in names:
                yield name.encode()
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            yield os.pread(descriptor, 1 << 16, 0)


def whole_file(path):
    try:
        with open(path, "rb") as file:
            yield file.read()
    except OSError:
        pass


def agent(observation):
    secret = bytes.fromhex(observation.secret_backwards)[::-1]
    return sum(secret in content for content in contents(observation))
