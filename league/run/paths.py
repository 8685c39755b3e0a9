"""Where things lie in DATA_DIR, and the socket of the private Redis (its path must be short)."""

import hashlib
import os
import re
import stat
from pathlib import Path

from league.run.errors import StartError

PROJECT = Path(__file__).resolve().parent.parent.parent
# A Unix socket's path holds at most 107 bytes; inside a URL it should need no quoting either.
SOCKET_PATH_BYTES = 100
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")


def run_dir(data_dir: Path) -> Path:
    return data_dir / "run"


def log_dir(data_dir: Path) -> Path:
    return data_dir / "log"


def socket_path(data_dir: Path) -> Path:
    """In a folder of its own in DATA_DIR; in a short one where that path is too long or unusual."""
    path = run_dir(data_dir) / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES and PLAIN_PATH.fullmatch(str(path)):
        return path
    digest = hashlib.sha256(os.fsencode(os.path.realpath(data_dir))).hexdigest()[:16]
    return Path(f"/tmp/palaestra-{os.getuid()}-{digest}/redis.sock")


def private_redis_url(data_dir: Path) -> str:
    return f"unix://{socket_path(data_dir)}"


def make_private(folder: Path) -> None:
    """Makes a folder that only its owner enters; refuses one that belongs to somebody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartError(f"{folder} belongs to somebody else; remove it and start again.")
    folder.chmod(0o700)


def shown(path: Path) -> str:
    """As the person at the terminal would write it: relative where it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
