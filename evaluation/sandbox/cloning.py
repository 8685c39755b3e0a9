"""Clones this interpreter into namespaces of its own: a fork that is born with them.

Runs inside, standard library only. The caller has one thread.
"""

import ctypes
import os
import signal
from typing import Any

SYS_CLONE = 56  # x86-64
CLONE_VM, CLONE_FILES, CLONE_PIDFD = 0x100, 0x400, 0x1000
CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x200000, 0x1000000
NEW_MOUNTS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEW_USER, NEW_PIDS = 0x10000000, 0x20000000
OWN_VIEW = NEW_USER | NEW_MOUNTS | NEW_IPC | NEW_UTS | NEW_CGROUP
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_GET_TID_ADDRESS = 1, 4, 40
INSIDE_UID = 65534
STACK_BYTES = 16 * 1024

_libc = ctypes.PyDLL(None, use_errno=True)  # holds the interpreter's lock through the clone
_python = ctypes.pythonapi


def clone(namespaces: int) -> tuple[int, int]:
    """(pid, pidfd) of the clone; (0, -1) in the clone itself, which dies with this process.

    namespaces: OWN_VIEW or 0. Raises OSError.
    """
    parent = os.getpid()
    pidfd = ctypes.c_int(-1)
    tid = _tid_address()
    flags = namespaces | CLONE_PIDFD | signal.SIGCHLD
    flags |= CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID if tid else 0
    _python.PyOS_BeforeFork()
    pid = _libc.syscall(
        SYS_CLONE,
        ctypes.c_ulong(flags),
        None,
        ctypes.byref(pidfd),
        ctypes.c_void_p(tid),
        None,
    )
    if pid == 0:
        _python.PyOS_AfterFork_Child()
        _begin(0 if namespaces else parent)
        return 0, -1
    _python.PyOS_AfterFork_Parent()
    return _checked(pid, "clone"), pidfd.value


def _tid_address() -> int:
    """Where the C library keeps this thread's id, so that the kernel sets the clone's there."""
    address = ctypes.c_void_p()
    if _libc.prctl(PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0) != 0:
        return 0
    return address.value or 0


def _begin(parent: int) -> None:
    """parent: what getppid() tells while it lives; 0 is one outside of the clone's namespace."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    os.setsid()


class ProcessSpace:
    """While entered, whatever this process creates lives in a new space of processes.

    Its first process, which takes all others with it when it ends, only waits: an agent in its
    place would be spared the signals that it sends to itself. Needs a user namespace of one's own.
    """

    def __init__(self) -> None:
        self.first = 0
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._stack = ctypes.create_string_buffer(STACK_BYTES)
        self._top = (ctypes.addressof(self._stack) + STACK_BYTES) & ~15
        self._wait = ctypes.cast(_libc.pause, ctypes.c_void_p)

    def __enter__(self) -> int:
        """The pid of the first process."""
        _checked(_libc.unshare(NEW_PIDS), "unshare processes")
        flags = CLONE_VM | CLONE_FILES | signal.SIGCHLD
        self.first = _libc.clone(self._wait, ctypes.c_void_p(self._top), flags, None)
        if self.first < 0:
            error = ctypes.get_errno()
            self._leave()
            raise OSError(error, f"cannot clone: {os.strerror(error)}")
        return int(self.first)

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        self._leave()
        if kind is not None:  # nobody moved in
            os.kill(self.first, signal.SIGKILL)
            os.waitpid(self.first, 0)

    def _leave(self) -> None:
        if _libc.setns(self._own, NEW_PIDS) != 0:
            os._exit(1)  # what would be cloned next would be born in another's space


def enter_own_user_namespace() -> None:
    """Becomes, by a fork, the first process of a space of its own, with the right to make more.

    The process before stays as its guard. Raises OSError where user namespaces are forbidden.
    """
    uid, gid = os.getuid(), os.getgid()
    _checked(_libc.unshare(NEW_USER | NEW_PIDS), "unshare users")
    map_ids(uid, gid)
    if guarded := os.fork():
        os.closerange(0, 1 << 16)
        os.waitpid(guarded, 0)
        os._exit(0)


def map_ids(uid: int, gid: int) -> None:
    """A new user namespace knows nobody but the one who made it."""
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or one's own /proc belongs to root
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{INSIDE_UID} {uid} 1"),
        ("gid_map", f"{INSIDE_UID} {gid} 1"),
    ):
        file = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(file, content.encode())
        os.close(file)


def _checked(result: Any, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"cannot {what}: {os.strerror(code)}")
    return int(result)
