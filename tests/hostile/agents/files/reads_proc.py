# Tries: to read what the kernel tells of processes. Must come out: plays, action 0.
import os

FILES = (
    *("self/environ", "self/maps", "self/mem", "self/status", "self/cmdline", "self/mountinfo"),
    *("self/root", "self/fd", "1/environ", "1/cmdline", "1/mem", "2/environ", "cmdline", "keys"),
    *("thread-self/environ", "net/tcp", "net/unix", "kallsyms", "kcore", "version", "cpuinfo"),
    *("meminfo", "loadavg", "mounts", "key-users", "locks", "sys/kernel/random/boot_id"),
)
FOLDERS = ("/sys", "/sys/class/net", "/sys/fs/cgroup", "/sys/kernel/debug", "/proc/self/task")


def agent(observation):
    seen = []
    for name in (*FILES, f"{observation.worker}/environ", f"{observation.worker}/mem"):
        try:
            with open(f"/proc/{name}", "rb") as file:
                print(file.read(100_000))
            seen.append(name)
        except OSError:
            continue
    for folder in FOLDERS:
        try:
            seen += os.listdir(folder)
        except OSError:
            continue
    print(seen)
    return len(seen)
