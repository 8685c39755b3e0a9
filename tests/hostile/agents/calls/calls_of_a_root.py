# Tries: each call that only a root needs, with senseless values. Must come out: plays, action 0.
import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
# Numbers of x86-64, from ptrace to the newest; fchmodat2 is answered with a pretended success.
CALLS = (
    *(101, 103, 105, 106, 113, 114, 116, 117, 119, 122, 123, 126, 134, 135, 136, 139, 142, 144),
    *(149, 150, 151, 152, 153, 154, 155, 156, 159, 160, 161, 163, 164, 165, 166, 167, 168, 169),
    *(170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 203, 205, 206, 207, 208, 209, 210),
    *(212, 216, 222, 223, 226, 227, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 248, 249),
    *(250, 251, 252, 253, 254, 255, 256, 259, 260, 265, 266, 272, 278, 279, 298, 300, 301, 303),
    *(304, 305, 308, 310, 311, 312, 313, 314, 317, 319, 320, 321, 322, 323, 425, 426, 427, 428),
    *(429, 430, 431, 432, 433, 434, 438, 440, 442, 443, 444, 445, 446, 447, 448, 450, 451),
    *(453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 468, 469, 1000),
)
REFUSED = (errno.EPERM, errno.ENOSYS)


def agent(observation):
    through = []
    for number in CALLS:
        ctypes.set_errno(0)
        result = libc.syscall(number, -1, -1, -1, -1, -1, -1)
        if result != -1 or ctypes.get_errno() not in REFUSED:
            through.append((number, ctypes.get_errno()))
    print(through)
    return len(through)
