# Tries: to climb out of its root by open folders. Must come out: plays, action 0.
import contextlib
import os

UP = "../" * 30
FOLDERS = ("/", ".", "/tmp", "/kaggle_simulations", "/usr/lib", "/dev")


def agent(observation):
    reached = 0
    for folder in FOLDERS:
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
            for path in (UP + observation.canary[1:], UP + observation.project[1:]):
                with contextlib.suppress(OSError):
                    os.stat(path, dir_fd=handle)
                    reached += 1
            os.fchdir(handle)
            os.chdir(UP)
            reached += os.path.exists(observation.canary[1:])
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.stat(UP + observation.canary[1:], dir_fd=descriptor)
            reached += 1
    return reached
