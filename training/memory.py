"""Whether a run fits the machine: what it needs, told by the compiler, against what there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from training.errors import NoMemory

CGROUPS = Path("/sys/fs/cgroup")
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(state: Any) -> int:
    """Bytes of the arrays of a pytree, or of the shapes of one."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))


def of_update(compiled: jax.stages.Compiled) -> int:
    """Most bytes that a call takes, its arguments and results included; 0 where it is not told."""
    told: Any = compiled.memory_analysis()
    if told is None:
        return 0
    return int(
        told.argument_size_in_bytes
        + told.output_size_in_bytes
        - told.alias_size_in_bytes
        + told.temp_size_in_bytes
    )


def available(device: jax.Device) -> int | None:
    """Bytes that the run may still take; None where nobody knows."""
    stats: dict[str, int] = device.memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - stats.get("bytes_in_use", 0)
    known = [_of_machine(), *_of_cgroups()] if device.platform == "cpu" else []
    return min((limit for limit in known if limit is not None), default=None)


def check(needed: int, there: int | None, knobs: str) -> None:
    """Raises NoMemory, with what is needed, what there is and what to turn down."""
    if there is not None and needed > there:
        raise NoMemory(
            f"This run needs {shown(needed)} of memory and {shown(there)} are free: "
            f"turn down {knobs}."
        )


def shown(count: float) -> str:
    """For people, in three digits or four."""
    units = iter(UNITS)
    unit = next(units)
    while count >= 1024 and unit != UNITS[-1]:
        count, unit = count / 1024, next(units)
    return f"{count:.0f} {unit}" if count >= 100 or unit == UNITS[0] else f"{count:.3g} {unit}"


def _of_machine() -> int | None:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_cgroups() -> Iterator[int | None]:
    """What the control groups that this process is in still allow: version 2, then version 1."""
    own = next((line[3:] for line in _lines(Path("/proc/self/cgroup")) if line[:3] == "0::"), "/")
    folder = CGROUPS / own.strip().lstrip("/")
    for each in (folder, *folder.parents):
        if each.is_relative_to(CGROUPS):
            yield _left(each, "memory.max", "memory.current", "inactive_file")
    v1 = CGROUPS / "memory"
    yield _left(v1, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _left(folder: Path, limit_name: str, used_name: str, cache_name: str) -> int | None:
    """Limit less what is used; files that the system merely remembers are no use."""
    limit, used = (next(_lines(folder / name), "") for name in (limit_name, used_name))
    if not (limit.isdigit() and used.isdigit()):
        return None
    lines = (line.split() for line in _lines(folder / "memory.stat"))
    cache = next((int(value) for name, value in lines if name == cache_name), 0)
    return max(0, int(limit) - int(used) + cache)


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text().splitlines()
    except OSError:
        return
