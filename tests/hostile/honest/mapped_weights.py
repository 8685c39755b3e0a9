# Needs: to map a large file of numbers instead of reading it. Must come out: plays, action 99.
import mmap
import os
import struct

PATH = "/tmp/weights.bin"


def agent(observation):
    if not os.path.exists(PATH):
        with open(PATH, "wb") as file:
            file.write(struct.pack("=100i", *range(100)) + bytes(1 << 20))
    with open(PATH, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as numbers:
        return struct.unpack_from("=i", numbers, 4 * 99)[0]
