# Tries: the newer calls that mount. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK, MOUNT_SETATTR = (
    428,
    429,
    430,
    431,
    432,
    433,
    442,
)
MOUNT, UMOUNT, PIVOT, CHROOT, SWAPON = 165, 166, 155, 161, 167


def agent(observation):
    done = 0
    tree = libc.syscall(OPEN_TREE, -100, b"/", 1)
    context = libc.syscall(FSOPEN, b"tmpfs", 0)
    done += (tree >= 0) + (context >= 0)
    done += libc.syscall(FSCONFIG, context, 6, None, None, 0) >= 0
    done += libc.syscall(FSMOUNT, context, 0, 0) >= 0
    done += libc.syscall(FSPICK, -100, b"/tmp", 0) >= 0
    done += libc.syscall(MOVE_MOUNT, tree, b"", -100, b"/tmp", 4) >= 0
    done += libc.syscall(MOUNT_SETATTR, -100, b"/", 0, ctypes.create_string_buffer(32), 32) >= 0
    for kind, options in (
        (b"proc", b""),
        (b"tmpfs", b""),
        (b"sysfs", b""),
        (b"bpf", b""),
        (b"overlay", b""),
    ):
        done += libc.syscall(MOUNT, kind, b"/tmp", kind, 0, options) >= 0
    done += libc.syscall(MOUNT, b"/", b"/tmp", None, 4096, None) >= 0
    done += libc.syscall(MOUNT, None, b"/", None, 32, None) >= 0
    done += libc.syscall(UMOUNT, b"/tmp", 2) >= 0
    done += libc.syscall(UMOUNT, observation.project.encode(), 2) >= 0
    done += libc.syscall(PIVOT, b"/tmp", b"/tmp") >= 0
    done += libc.syscall(CHROOT, b"/tmp") >= 0
    return done + (libc.syscall(SWAPON, b"/tmp/x", 0) >= 0)
