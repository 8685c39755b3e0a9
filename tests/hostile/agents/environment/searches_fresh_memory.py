# Tries: to find secrets in memory that others gave back. Must come out: plays, action 0.
import ctypes

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
SIZES = [1 << power for power in range(4, 23)]


def agent(observation):
    marker, found = observation.marker.encode(), []
    for size in SIZES:
        for _ in range(32 if size < 1 << 16 else 1):
            address = libc.malloc(size)
            content = ctypes.string_at(address, size) if address else b""
            at = content.find(marker)
            if at >= 0:
                found.append(content[at : at + 64])
    print(found)
    return 0
