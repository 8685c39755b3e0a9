# Tries: namespaces, mounts, chroot, ptrace, keys, io_uring, uid 0. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "unshare": (272, 0x10000000),
    "mount": (165, b"none", b"/tmp", b"tmpfs", 0, 0),
    "chroot": (161, b"/tmp"),
    "pivot_root": (155, b"/tmp", b"/tmp"),
    "ptrace": (101, 16, 1, 0, 0),
    "keyctl": (250, 0, -3, 1),
    "io_uring_setup": (425, 1, ctypes.create_string_buffer(120)),
    "bpf": (321, 0, 0, 0),
    "userfaultfd": (323, 0),
    "memfd_create": (319, b"x", 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "pidfd_open": (434, 1, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "shmget": (29, 0, 4096, 0o1600),
    "msgget": (68, 0, 0o1600),
    "symlink": (88, b"/", b"/tmp/root"),
    "setns": (308, 0, 0),
    "setuid": (105, 0),
    "seccomp": (317, 0, 0, 0),
    "clone with a namespace": (56, 0x10000000 | 0x10000, 0, 0, 0, 0),
}


def agent(observation):
    done = [name for name, call in CALLS.items() if libc.syscall(*call) >= 0]
    try:
        os.setuid(0)
        done.append("os.setuid")
    except OSError:
        pass
    print(done)
    return len(done)
