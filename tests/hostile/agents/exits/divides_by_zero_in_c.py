# Tries: to divide by zero outside of Python. Must come out: killed_by_signal.
import ctypes
import mmap

# xor eax, eax; xor ecx, ecx; div ecx
CODE = bytes.fromhex("31 c0 31 c9 f7 f1")


def agent(observation):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
