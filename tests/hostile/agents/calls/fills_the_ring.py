# Tries: rings, programs and counters of the kernel. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "io_uring_setup": (425, 8),
    "io_uring_enter": (426, 3, 1, 0, 0, None, 0),
    "io_uring_register": (427, 3, 0, None, 0),
    "io_setup": (206, 8),
    "bpf": (321, 5),
    "perf_event_open": (298, None, 0, -1, -1, 0),
    "userfaultfd": (323, 1),
    "add_key": (248, b"user", b"agent", b"secret", 6, -3),
    "request_key": (249, b"user", b"agent", None, -3),
    "keyctl_describe": (250, 6, -3),
    "keyctl_join": (250, 1, b"agent"),
    "kexec_load": (246, 0, 0, None, 0),
    "init_module": (175, None, 0, b""),
    "modify_ldt": (154, 0, None, 0),
    "iopl": (172, 3),
    "ioperm": (173, 0, 1, 1),
    "acct": (163, None),
    "reboot": (169, 0xFEE1DEAD, 672274793, 0, None),
    "vmsplice": (278, 1, None, 0, 0),
    "remap_file_pages": (216, 0, 0, 0, 0, 0),
    "pkey_alloc": (330, 0, 0),
    "timer_create": (222, 0, None),
}


def agent(observation):
    done = []
    for name, (number, *arguments) in CALLS.items():
        space = [
            ctypes.create_string_buffer(256) if value is None else value for value in arguments
        ]
        if libc.syscall(number, *space, ctypes.create_string_buffer(256)) >= 0:
            done.append(name)
    print(done)
    return len(done)
