"""What runs below a process, read from /proc."""

from pathlib import Path


def descendants_of(pid: int) -> list[int]:
    """Its children, their children and so on."""
    try:
        tasks = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    children = [int(child) for task in tasks for child in task]
    return children + [below for child in children for below in descendants_of(child)]


def is_running(pid: int) -> bool:
    """A zombie whose new parent has not looked yet is not running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
