"""What runs below a process, read from /proc."""

from pathlib import Path

from benchmarks.machine import descendants


def descendants_of(pid: int) -> list[int]:
    """Its children, their children and so on."""
    return list(descendants(pid))


def is_running(pid: int) -> bool:
    """A zombie whose new parent has not looked yet is not running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
