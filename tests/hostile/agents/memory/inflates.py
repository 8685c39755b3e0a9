# Tries: to unpack a bomb. Must come out: out_of_memory.
import zlib


def agent(observation):
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    return len(zlib.decompress(packed))
