# Tries: to read where the kernel left arguments and environment. Must come out: plays, action 0.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
PAGE = 4096


def pages(address, pipe):
    """Upwards, until the kernel cannot read on."""
    while libc.write(pipe[1], ctypes.c_void_p(address), ctypes.c_size_t(1)) == 1:
        os.read(pipe[0], 1)
        yield ctypes.string_at(address, PAGE)
        address += PAGE


def agent(observation):
    name = ctypes.c_void_p.in_dll(libc, "program_invocation_name").value
    content = b"".join(pages(name & -PAGE, os.pipe()))
    print(content.replace(b"\0", b" ")[-20_000:])
    return content.count(observation.marker.encode())
