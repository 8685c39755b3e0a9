# Tries: to be told when others open a file. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
INOTIFY_INIT, INOTIFY_INIT1, FANOTIFY_INIT, NAME_TO_HANDLE, OPEN_BY_HANDLE = 253, 294, 300, 303, 304
LOOKUP_DCOOKIE, QUOTACTL, USTAT, SYSLOG, CACHESTAT, STATMOUNT, LISTMOUNT = (
    212,
    179,
    136,
    103,
    451,
    457,
    458,
)


def agent(observation):
    done = 0
    for call in (INOTIFY_INIT, INOTIFY_INIT1):
        done += libc.syscall(call, 0) >= 0
    done += libc.syscall(FANOTIFY_INIT, 0, 0) >= 0
    handle = (ctypes.c_uint32 * 40)(128)
    mount = ctypes.c_int()
    path = os.__file__.encode()
    done += libc.syscall(NAME_TO_HANDLE, -100, path, handle, ctypes.byref(mount), 0) >= 0
    done += libc.syscall(OPEN_BY_HANDLE, -100, handle, 0) >= 0
    done += libc.syscall(SYSLOG, 3, ctypes.create_string_buffer(4096), 4096) >= 0
    for call in (LOOKUP_DCOOKIE, QUOTACTL, USTAT, CACHESTAT, STATMOUNT, LISTMOUNT):
        done += libc.syscall(call, 0, ctypes.create_string_buffer(256), 0, 0, 0) >= 0
    return done
