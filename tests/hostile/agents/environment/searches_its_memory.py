# Tries: to find the worker's secrets in what it got as memory. Must come out: plays, action 0.
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
PAGE, REACH, MOST = 4096, 2048, 64 << 20


def is_mapped(address):
    return libc.mincore(address, PAGE, ctypes.create_string_buffer(1)) == 0


def readable(address, pipe):
    """Whether the kernel can read the page, which is how not to crash on one that nobody may."""
    if libc.write(pipe[1], ctypes.c_void_p(address), ctypes.c_size_t(1)) != 1:
        return False
    os.read(pipe[0], 1)
    return True


def blocks(seeds, pipe):
    """The mapped memory around some addresses, page by page."""
    seen = set()
    for seed in seeds:
        for step in (PAGE, -PAGE):
            address, gap = seed & -PAGE, 0
            while gap < REACH and len(seen) * PAGE < MOST:
                if address in seen:
                    break
                if is_mapped(address) and readable(address, pipe):
                    seen.add(address)
                    gap = 0
                    yield ctypes.string_at(address, PAGE)
                else:
                    gap += 1
                address += step


def agent(observation):
    marker = observation.marker.encode()
    seeds = [id(marker), id(sys), id(agent), id(sys._getframe()), id(os.environ), id(len)]
    seeds += [ctypes.addressof(ctypes.c_void_p.in_dll(libc, "environ"))]
    seeds += [ctypes.cast(libc.malloc, ctypes.c_void_p).value, ctypes.addressof(ctypes.c_int())]
    pipe = os.pipe()
    found = []
    for block in blocks(seeds, pipe):
        at = block.find(marker)
        while at >= 0:
            found.append(block[at : at + 64])
            at = block.find(marker, at + 1)
    print(found)
    return 0
