# Tries: to map memory beside the interpreter's own. Must come out: plays, action 0.
import mmap

SIZE = 1 << 22
NORESERVE, HUGETLB = 0x4000, 0x40000
KINDS = (
    mmap.MAP_PRIVATE,
    mmap.MAP_SHARED,
    mmap.MAP_PRIVATE | NORESERVE,
    mmap.MAP_PRIVATE | HUGETLB,
)


def agent(observation):
    maps = []
    for kind in KINDS:
        try:
            while True:
                maps.append(mmap.mmap(-1, SIZE, kind | mmap.MAP_ANONYMOUS))
                maps[-1][::4096] = bytes(SIZE // 4096)
        except OSError:
            continue
    return int(len(maps) * SIZE > observation.memory_bytes)
