# Tries: to open every device that is worth it. Must come out: plays, action 0.
import os

NAMES = (
    *("mem", "kmem", "port", "kmsg", "kvm", "fuse", "ptmx", "tty", "console", "tty0", "tty1"),
    *("vda", "sda", "nvme0n1", "loop0", "loop-control", "net/tun", "vhost-net", "vsock"),
    *("snapshot", "userfaultfd", "uinput", "rtc0", "hpet", "dri/card0", "nvidia0", "watchdog"),
    *("btrfs-control", "mapper/control", "cpu_dma_latency", "autofs", "fd/0", "stdin", "pts/0"),
    *("pts/ptmx", "shm", "mqueue", "log"),
)


def agent(observation):
    opened = []
    for name in NAMES:
        for mode in (os.O_RDONLY, os.O_RDWR, os.O_PATH):
            try:
                os.close(os.open(f"/dev/{name}", mode | os.O_NONBLOCK | os.O_NOCTTY))
                opened.append(name)
            except OSError:
                continue
    print(opened)
    return len(opened)
