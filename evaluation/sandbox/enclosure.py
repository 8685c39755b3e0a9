"""Gives up all rights for good, before any line of an agent is read.

Runs inside, standard library only. What is asked for and cannot be had is an OSError.
"""

import ctypes
import os
import resource
from collections.abc import Iterable, Sequence
from typing import Any

from evaluation.sandbox import landlock

AGENT_DIR = "/kaggle_simulations/agent"
TMP = "/tmp"
EMPTY = b"/empty"

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
BUNDLE_OPTIONS = "size=64m,nr_inodes=16384,mode=755"
PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 4, 22, 2
PR_SET_NO_NEW_PRIVS = 38
# Signals that wait are counted per uid: with less than there are, no box meets another's.
RLIMIT_SIGPENDING, MAX_SIGNALS = 11, 64
CAPABILITY_VERSION_3 = 0x20080522
WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW

Files = Iterable[tuple[str, bytes]]

_libc = ctypes.CDLL(None, use_errno=True)


def show(files: Files, tmp_bytes: int, tmp_files: int) -> None:
    """The agent's own view: its files, read-only, a small /tmp, and no /proc."""
    _mount(AGENT_DIR, MS_NOSUID | MS_NODEV, BUNDLE_OPTIONS)
    write(files, AGENT_DIR)
    _mount(AGENT_DIR, MS_NOSUID | MS_NODEV | MS_REMOUNT | MS_RDONLY, BUNDLE_OPTIONS)
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    _mount(TMP, flags, f"size={tmp_bytes},nr_inodes={tmp_files},mode=1777")
    _checked(_libc.mount(EMPTY, b"/proc", None, MS_BIND, None), "cover /proc")


def write(files: Files, folder: str) -> None:
    """Names are relative and were checked by the worker; they may still not lead out."""
    for name, content in files:
        path = os.path.join(folder, name)
        if name.startswith("/") or ".." in name.split("/"):
            raise OSError(f"{name!r} leads out of the bundle")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = os.open(path, WRITE, 0o444)
        while content:
            content = content[os.write(file, content) :]
        os.close(file)


def enclose(
    limits: dict[str, int], layers: dict[str, Any], readable: Sequence[str], writable: Sequence[str]
) -> None:
    """Limits, then rights, then files, then system calls. layers: whether `landlock`, `filter`."""
    set_limits(limits)
    _checked(_libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "set dumpable")
    _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs")
    drop_capabilities()
    if layers["landlock"]:
        rules = [(path, landlock.READ) for path in readable]
        landlock.restrict([*rules, *((path, landlock.READ_WRITE) for path in writable)])
    if layers["filter"]:
        _install_filter(bytes.fromhex(layers["filter"]))


def drop_capabilities() -> None:
    """For good, since no new privileges can be had either."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, (ctypes.c_uint32 * 6)()), "drop capabilities")


def become(uid: int) -> None:
    """This uid and no other; with those of root, its capabilities go."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    drop_capabilities()


def set_limits(limits: dict[str, int]) -> None:
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_s"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["descriptors"],
        resource.RLIMIT_NPROC: limits["threads"],
        resource.RLIMIT_STACK: limits["stack_bytes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        RLIMIT_SIGPENDING: MAX_SIGNALS,
    }
    for kind, limit in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))
    # SIGXCPU names the cause; the hard limit, which kills without a word, is still ahead.
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (max(1, hard - 1), hard))


def _mount(path: str, flags: int, options: str) -> None:
    done = _libc.mount(b"tmpfs", path.encode(), b"tmpfs", ctypes.c_ulong(flags), options.encode())
    _checked(done, f"mount {path}")


def _install_filter(program: bytes) -> None:
    code = ctypes.create_string_buffer(program, len(program))
    wanted = ctypes.byref(_Program(len(program) // 8, ctypes.addressof(code)))
    _checked(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, wanted, 0, 0), "set the filter")


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"cannot {what}: {os.strerror(ctypes.get_errno())}")
