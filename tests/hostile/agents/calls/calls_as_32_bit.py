# Tries: the system calls of a 32-bit program. Must come out: forbidden_call.
import ctypes
import mmap
import signal

# push rbx; mov eax, 20 (getpid); int 0x80; pop rbx; ret
CODE = bytes.fromhex("53 b8 14 00 00 00 cd 80 5b c3")


def agent(observation):
    signal.signal(signal.SIGSYS, signal.SIG_IGN)
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return function()
