# Tries: processes by clone with every kind of flags. Must come out: plays, action 0.
import ctypes
import itertools

libc = ctypes.CDLL(None, use_errno=True)
SYS_CLONE, SYS_CLONE3 = 56, 435
VM, FS, FILES, SIGHAND, PTRACE, VFORK, PARENT = 0x100, 0x200, 0x400, 0x800, 0x2000, 0x4000, 0x8000
NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000,
    0x2000000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
SIGCHLD = 17


def agent(observation):
    born = 0
    single = (FS, FILES, PTRACE, PARENT, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET)
    for flags in itertools.chain(
        single, itertools.starmap(int.__or__, itertools.product(single, single))
    ):
        pid = libc.syscall(SYS_CLONE, ctypes.c_ulong(flags | SIGCHLD), None, None, None, None)
        born += pid >= 0
    arguments = (ctypes.c_uint64 * 11)()
    born += libc.syscall(SYS_CLONE3, arguments, ctypes.c_size_t(88)) >= 0
    return born
