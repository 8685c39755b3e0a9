# Tries: links and nodes in /tmp that lead outside. Must come out: plays, action 0.
import os
import stat


def agent(observation):
    target = observation.canary
    ways = [
        lambda: os.link(target, "/tmp/hard"),
        lambda: os.symlink(target, "/tmp/soft"),
        lambda: os.symlink("/proc/self/root", "/tmp/root"),
        lambda: os.link("/dev/null", "/tmp/null"),
        lambda: os.mknod("/tmp/memory", stat.S_IFCHR | 0o666, os.makedev(1, 1)),
        lambda: os.mknod("/tmp/disk", stat.S_IFBLK | 0o666, os.makedev(254, 0)),
        lambda: os.mkfifo("/tmp/fifo"),
        lambda: os.rename("/kaggle_simulations/agent/main.py", "/tmp/main.py"),
        lambda: os.chown("/tmp", 0, 0),
        lambda: os.setxattr("/tmp", "user.x", b"x"),
    ]
    done = 0
    for way in ways:
        try:
            way()
            done += 1
        except OSError:
            continue
    return done
