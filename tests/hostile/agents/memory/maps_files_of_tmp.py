# Tries: to use files of /tmp as memory beyond its limit. Must come out: plays, action 0.
import mmap
import os

STEP = 1 << 20


def agent(observation):
    total = 0
    for number in range(observation.files):
        file = os.open(f"/tmp/{number}", os.O_CREAT | os.O_RDWR)
        try:
            os.posix_fallocate(file, 0, STEP)
            mmap.mmap(file, STEP)[:] = b"x" * STEP
        except OSError:
            break
        finally:
            os.close(file)
        total += STEP
    for name in os.listdir("/tmp"):
        os.unlink(f"/tmp/{name}")
    return int(total > observation.file_bytes)
