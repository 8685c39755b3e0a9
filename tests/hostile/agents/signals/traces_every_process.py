# Tries: to trace other processes and to read their memory. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
PTRACE, VM_READ, VM_WRITE, KCMP, PIDFD_GETFD, MADVISE, MRELEASE = 101, 310, 311, 312, 438, 440, 448
ROBUST_LIST, MOVE_PAGES, MIGRATE_PAGES, GETPGID = 274, 279, 256, 121
ATTACH, SEIZE, TRACEME = 16, 0x4206, 0
SELF = 0


def agent(observation):
    content = ctypes.create_string_buffer(4096)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(content), 4096)
    remote = (ctypes.c_size_t * 2)(id(observation), 4096)
    done = libc.syscall(PTRACE, TRACEME, SELF, 0, 0) == 0
    for pid in {1, *range(2, 300), *observation.processes, observation.worker}:
        done += libc.syscall(PTRACE, ATTACH, pid, 0, 0) == 0
        done += libc.syscall(PTRACE, SEIZE, pid, 0, 0) == 0
        done += libc.syscall(VM_READ, pid, local, 1, remote, 1, 0) > 0
        done += libc.syscall(VM_WRITE, pid, local, 1, remote, 1, 0) > 0
        done += libc.syscall(KCMP, pid, pid, 0, 0, 0) >= 0
        done += libc.syscall(MOVE_PAGES, pid, 0, None, None, None, 0) == 0
    for number in range(3, 64):
        done += libc.syscall(PIDFD_GETFD, number, 0, 0) >= 0
        done += libc.syscall(MADVISE, number, remote, 1, 21, 0) >= 0
        done += libc.syscall(MRELEASE, number, 0) >= 0
    print(content.raw[:0])
    return int(done)
