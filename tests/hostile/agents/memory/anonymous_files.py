# Tries: files that live in memory alone. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
MEMFD_CREATE, MEMFD_SECRET = 319, 447


def agent(observation):
    made = 0
    for flags in (0, os.MFD_CLOEXEC, 4, 8):
        made += libc.syscall(MEMFD_CREATE, b"x", flags) >= 0
    made += libc.syscall(MEMFD_SECRET, 0) >= 0
    made += libc.shm_open(b"/x", os.O_CREAT | os.O_RDWR, 0o600) >= 0
    for folder in ("/dev/shm", "/run", "/dev/hugepages", "/var/tmp", "/run/lock"):
        try:
            os.close(os.open(f"{folder}/x", os.O_CREAT | os.O_RDWR))
            made += 1
        except OSError:
            continue
    for folder in ("/tmp", "/", "."):
        try:
            file = os.open(folder, os.O_TMPFILE | os.O_RDWR)
            os.ftruncate(file, observation.file_bytes + 1)
            made += 1
        except OSError:
            continue
    return made
