"""The system calls that boxed code may make, as a BPF program written by hand.

Everything is refused with EPERM but what stands here; processes cannot be created, threads can.
Calls that glibc tries and falls back from answer ENOSYS. Foreign ABIs kill the process.
"""

import errno
import functools
import platform
import struct
from collections.abc import Iterator

from evaluation.sandbox.errors import BoxFailed

AUDIT_ARCH_X86_64 = 0xC000003E
X32_BIT = 0x40000000
NEWEST_KNOWN = 462

ALLOWED = dict(  # noqa: C408
    read=0, write=1, open=2, close=3, stat=4, fstat=5, lstat=6, poll=7, lseek=8, mmap=9,
    mprotect=10, munmap=11, brk=12, rt_sigaction=13, rt_sigprocmask=14, rt_sigreturn=15,
    pread64=17, pwrite64=18, readv=19, writev=20, access=21, pipe=22, select=23, sched_yield=24,
    mremap=25, msync=26, madvise=28, dup=32, dup2=33, pause=34, nanosleep=35,
    getitimer=36, alarm=37, setitimer=38, getpid=39, sendfile=40, sendto=44, recvfrom=45,
    recvmsg=47, shutdown=48, getsockname=51, getpeername=52,
    getsockopt=55, exit=60, wait4=61, kill=62, uname=63, fsync=74, fdatasync=75, truncate=76,
    ftruncate=77, getdents=78, getcwd=79, chdir=80, fchdir=81, rename=82, mkdir=83, rmdir=84,
    creat=85, unlink=87, readlink=89, umask=95, gettimeofday=96,
    getrlimit=97, getrusage=98, sysinfo=99, times=100, getuid=102, getgid=104, geteuid=107,
    getegid=108, getppid=110, getpgrp=111, getgroups=115, getresuid=118, getresgid=120,
    getpgid=121, getsid=124, capget=125, rt_sigpending=127, rt_sigtimedwait=128,
    rt_sigsuspend=130, sigaltstack=131, statfs=137, fstatfs=138, getpriority=140,
    sched_getparam=143, sched_getscheduler=145, sched_get_priority_max=146,
    sched_get_priority_min=147, arch_prctl=158, gettid=186, tkill=200, time=201,
    futex=202, sched_getaffinity=204, epoll_create=213, getdents64=217, set_tid_address=218,
    restart_syscall=219, clock_gettime=228, clock_getres=229, clock_nanosleep=230,
    exit_group=231, epoll_wait=232, epoll_ctl=233, tgkill=234, waitid=247, openat=257,
    mkdirat=258, newfstatat=262, unlinkat=263, renameat=264, readlinkat=267, faccessat=269,
    pselect6=270, ppoll=271, set_robust_list=273, get_robust_list=274, splice=275,
    tee=276, epoll_pwait=281, timerfd_create=283, eventfd=284, fallocate=285,
    timerfd_settime=286, timerfd_gettime=287, eventfd2=290, epoll_create1=291, dup3=292,
    pipe2=293, preadv=295, pwritev=296, getcpu=309, sched_getattr=315, renameat2=316,
    getrandom=318, membarrier=324, copy_file_range=326, statx=332,
    rseq=334, openat2=437, faccessat2=439, epoll_pwait2=441, futex_waitv=449,
)  # fmt: skip
# Besides what glibc falls back from: what tells or changes which pages of a shared file are cached,
# a channel between seats.
ABSENT = dict(clone3=435, mincore=27, readahead=187, fadvise64=221, preadv2=327, pwritev2=328)  # noqa: C408
# Success, and nothing is done: modes and times are not Landlock's business, and where boxes share a
# uid and a view they are other people's. And locks, for the same reason as below.
PRETENDED = dict(  # noqa: C408
    chmod=90, fchmod=91, utime=132, utimes=235, futimesat=261, fchmodat=268,
    utimensat=280, fchmodat2=452, flock=73,
)  # fmt: skip
CLONE, PRCTL, IOCTL, PRLIMIT64, SOCKETPAIR, FCNTL, CLOSE_RANGE = 56, 157, 16, 302, 53, 72, 436

CLOSE_RANGE_FLAGS = (0, 4)  # not UNSHARE, which gives a thread a table of descriptors of its own
# What pthread_create asks for: without CLONE_FILES, too, limits on descriptors would be passed by.
THREAD = 0x00010000 | 0x0100 | 0x0200 | 0x0400 | 0x0800  # THREAD, VM, FS, FILES, SIGHAND
CLONE_NEW_NAMESPACE = 0x7E020000
PRCTL_OPTIONS = (15, 16, 0x53564D41)  # thread name set and get, name of a memory area
IOCTL_REQUESTS = (0x541B, 0x5421, 0x5450, 0x5451, 0x5401)  # FIONREAD NBIO NCLEX CLEX, TCGETS
# DUPFD GETFD SETFD GETFL SETFL GETLK, DUPFD_CLOEXEC, GETPIPE_SZ
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 1030, 1032)
# SETLK SETLKW OFD_SETLK OFD_SETLKW: granted and not done. Files that a box may write are its own,
# and on others a lock would join the seats.
LOCK_COMMANDS = (6, 7, 37, 38)
AF_UNIX = 1

LOAD, AND, RETURN = 0x20, 0x54, 0x06
JUMP_EQUAL, JUMP_GREATER, JUMP_AT_LEAST, JUMP_ANY_BIT = 0x15, 0x25, 0x35, 0x45
ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
NOTHING = ERRNO | 0  # answers success, and does nothing
SYSCALL_NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16

Instruction = tuple[int, int, int, int]


@functools.cache
def program() -> bytes:
    """The filter as an array of struct sock_filter."""
    if platform.machine() != "x86_64":
        raise BoxFailed(f"There is no table of system calls for {platform.machine()}.")
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _instructions())


def _instructions() -> list[Instruction]:
    refuse = (RETURN, 0, 0, ERRNO | errno.EPERM)
    absent = (RETURN, 0, 0, ERRNO | errno.ENOSYS)
    kill = (RETURN, 0, 0, KILL_PROCESS)
    lines: list[Instruction] = [
        _load(ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH_X86_64),
        kill,
        _load(SYSCALL_NUMBER),
        (JUMP_GREATER, 0, 1, X32_BIT - 1),
        kill,
        (JUMP_GREATER, 0, 1, NEWEST_KNOWN),
        absent,
    ]
    for first, last in _ranges(sorted(ALLOWED.values())):
        lines += [
            (JUMP_AT_LEAST, 0, 2, first),
            (JUMP_GREATER, 1, 0, last),
            (RETURN, 0, 0, ALLOW),
        ]
    for number in ABSENT.values():
        lines += [(JUMP_EQUAL, 0, 1, number), absent]
    for number in PRETENDED.values():
        lines += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, NOTHING)]
    for number, body in _conditional().items():
        lines += [(JUMP_EQUAL, 0, len(body) + 1, number), *body, refuse]
    return [*lines, refuse]


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Runs of neighbours, as first and last."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _conditional() -> dict[int, list[Instruction]]:
    allow = (RETURN, 0, 0, ALLOW)
    return {
        CLONE: [
            _load(ARGUMENTS),
            (JUMP_ANY_BIT, 3, 0, CLONE_NEW_NAMESPACE),
            (AND, 0, 0, THREAD),
            (JUMP_EQUAL, 0, 1, THREAD),
            allow,
        ],
        CLOSE_RANGE: _one_of(2, CLOSE_RANGE_FLAGS),
        PRCTL: _one_of(0, PRCTL_OPTIONS),
        IOCTL: _one_of(1, IOCTL_REQUESTS),
        FCNTL: [*_one_of(1, FCNTL_COMMANDS), *_one_of(1, LOCK_COMMANDS, NOTHING)],
        SOCKETPAIR: _one_of(0, (AF_UNIX,)),
        PRLIMIT64: [  # reading one's own limits: no new limit, neither half of the pointer
            _load(ARGUMENTS + 16),
            (JUMP_EQUAL, 0, 3, 0),
            _load(ARGUMENTS + 20),
            (JUMP_EQUAL, 0, 1, 0),
            allow,
        ],
    }


def _one_of(argument: int, values: tuple[int, ...], verdict: int = ALLOW) -> list[Instruction]:
    lines = [_load(ARGUMENTS + 8 * argument)]
    for value in values:
        lines += [(JUMP_EQUAL, 0, 1, value), (RETURN, 0, 0, verdict)]
    return lines


def _load(offset: int) -> Instruction:
    return (LOAD, 0, 0, offset)
