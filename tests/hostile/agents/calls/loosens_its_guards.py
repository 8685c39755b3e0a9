# Tries: filters and rulesets of its own over those of the box. Must come out: plays, action 0.
import ctypes
import struct

libc = ctypes.CDLL(None, use_errno=True)
SECCOMP, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT, LSM_SET = 317, 444, 445, 446, 460
SET_SECCOMP, STRICT, FILTER, LISTENER, LOG = 22, 1, 2, 8, 2


def agent(observation):
    code = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
    program = struct.pack("=H6xQ", 1, ctypes.addressof(code))
    done = libc.prctl(SET_SECCOMP, FILTER, program, 0, 0) == 0
    for flags in (0, 1, LOG, LISTENER):
        done += libc.syscall(SECCOMP, 1, flags, program) >= 0
    rules = ctypes.create_string_buffer(struct.pack("=QQQ", 1, 0, 0))
    ruleset = libc.syscall(LANDLOCK_CREATE, rules, 8, 0)
    done += ruleset >= 0
    done += libc.syscall(LANDLOCK_CREATE, None, 0, 1) >= 0
    done += libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) >= 0
    done += libc.syscall(LSM_SET, 0, rules, 24, 0) >= 0
    return int(done)
