"""Landlock by hand: from here on this process touches only the files that it is given.

Runs inside, standard library only. Source: Documentation/userspace-api/landlock.rst of Linux.
"""

import ctypes
import os
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # one number on every architecture
VERSION_FLAG, PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << n for n in range(6))
MAKE_DIR, MAKE_REG, REFER, TRUNCATE = 1 << 7, 1 << 8, 1 << 13, 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
CHANGE = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
READ_WRITE = READ | CHANGE

# The rights that each version of the interface knows: those of the one before, and more.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
NET_RIGHTS = {4: 2}
SCOPES = {6: 2}

Rule = tuple[str, int]


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("folder", ctypes.c_int32))


_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """The version of the interface that this kernel offers; 0 where it offers none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG)))


def restrict(rules: Iterable[Rule]) -> None:
    """Refuses, for good, all files but those below the paths named, with the rights named; TCP,
    signals and abstract sockets to the outside as far as this kernel can. Raises OSError."""
    offered = version()
    handled = _bits(FILE_RIGHTS, offered)
    wanted = _Ruleset(handled, _bits(NET_RIGHTS, offered), _bits(SCOPES, offered))
    ruleset = _checked(
        _libc.syscall(CREATE_RULESET, ctypes.byref(wanted), ctypes.sizeof(wanted), 0)
    )
    try:
        for path, access in rules:
            _allow(ruleset, path, access & handled)
        _checked(_libc.syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _bits(known: dict[int, int], offered: int) -> int:
    """All rights that a kernel of this version can handle."""
    return (1 << max((count for first, count in known.items() if first <= offered), default=0)) - 1


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:  # what is not there needs no rule
        return
    try:
        allowed = access if os.path.isdir(path) else access & FILE
        rule = _PathBeneath(allowed, target)
        _checked(_libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(target)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
