# Tries: to write, rename and change modes outside of /tmp. Must come out: plays, action 0.
import contextlib
import os

NEW = "written-by-an-agent"
FOLDERS = ("/", "/kaggle_simulations", "/dev", "/proc", "/box", "/usr/lib", "/lib64", "/packages")
OTHERS = ("/packages/0", "/kaggle_simulations/agent", "/etc", "/root", "/home", "/var/tmp", "/run")


def touch_up(way, path, *arguments):
    """The box answers success and does nothing: what counts is what is seen afterwards."""
    before = os.stat(path)
    way(path, *arguments)
    after = os.stat(path)
    if (after.st_mode, after.st_mtime_ns) == (before.st_mode, before.st_mtime_ns):
        raise PermissionError


def ways(folder):
    path = os.path.join(folder, NEW)
    yield os.open, path, os.O_CREAT | os.O_WRONLY
    yield os.mkdir, path
    yield touch_up, os.chmod, folder, 0o701
    yield touch_up, os.utime, folder
    yield os.rename, folder, folder + "2"
    names = []
    with contextlib.suppress(OSError):
        names = sorted(set(os.listdir(folder)) - {"null", "zero", "tmp"})[:2]
    for inner in (os.path.join(folder, name) for name in names):
        yield open, inner, "ab"
        yield os.truncate, inner, 0
        yield os.unlink, inner
        yield os.rename, inner, path


def agent(observation):
    done = 0
    for folder in (*FOLDERS, *OTHERS, os.path.dirname(os.__file__), observation.folder):
        for way, *arguments in ways(folder):
            with contextlib.suppress(OSError):
                way(*arguments)
                print(way, *arguments)
                done += 1
    return done
