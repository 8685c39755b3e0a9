# Tries: to learn of the machine from its settings. Must come out: plays, action 0.
import os
import sys

FILES = (
    *("passwd", "shadow", "group", "hosts", "hostname", "resolv.conf", "machine-id", "fstab"),
    *("environment", "profile", "ssh", "sudoers", "ssl/private", "nsswitch.conf", "os-release"),
)
FOLDERS = ("/root", "/home", "/var", "/run", "/opt", "/srv", "/mnt", "/media", "/boot")


def has_files(folder):
    """The interpreter itself may lie somewhere below."""
    walk = os.walk(folder)
    return any(names for path, _, names in walk if not path.startswith(sys.base_prefix))


def agent(observation):
    seen = [name for name in FILES if os.path.exists(f"/etc/{name}")]
    seen += [folder for folder in FOLDERS if has_files(folder)]
    print(seen)
    return len(seen)
