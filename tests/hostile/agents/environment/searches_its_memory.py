# Tries: to find the worker's secrets in all memory that it has. Must come out: plays, action 0.
import ctypes
import gc
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.malloc.restype = ctypes.c_void_p
CHUNK = 1 << 16  # as much as a pipe takes
GAP = 128  # chunks that may be missing between two areas


def content(address, pipe):
    """Through a pipe, since the kernel refuses what cannot be read instead of crashing."""
    written = libc.write(pipe[1], ctypes.c_void_p(address), ctypes.c_size_t(CHUNK))
    return os.read(pipe[0], written) if written > 0 else b""


def areas(seeds, pipe):
    """All that can be read around some addresses, in both directions."""
    seen = set()
    for seed in seeds:
        for address in () if seed in seen else (seed, seed - CHUNK):
            step, missing = (CHUNK if address == seed else -CHUNK), 0
            while missing < GAP and address > 0 and address not in seen:
                seen.add(address)
                block = content(address, pipe)
                missing = 0 if block else missing + 1
                yield block
                address += step


def agent(observation):
    marker = observation.marker.encode()
    seeds = [id(thing) for thing in (*gc.get_objects(), marker, sys, len, os.environ)]
    seeds += [id(frame) for frame in sys._current_frames().values()]
    seeds += [libc.malloc(size) or 0 for size in (16, 4096, 1 << 18)]
    seeds += [ctypes.addressof(ctypes.c_void_p.in_dll(libc, "environ"))]
    seeds += [ctypes.c_void_p.in_dll(libc, "environ").value]
    seeds += [ctypes.cast(libc.malloc, ctypes.c_void_p).value]
    found, size = [], 0
    for block in areas(sorted({seed & -CHUNK for seed in seeds}), os.pipe()):
        size += len(block)
        at = block.find(marker)
        while at >= 0:
            found.append(block[at : at + 64])
            at = block.find(marker, at + 1)
    print(size >> 20, "MiB", found)
    return 0
