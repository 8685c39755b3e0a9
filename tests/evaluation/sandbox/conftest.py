"""Boxes for tests: written, started and closed again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluation.sandbox.limits import MIB, Limits
from evaluation.sandbox.process import AgentProcess

LIMITS = Limits(startup_s=5, memory_bytes=512 * MIB, threads=16)


@pytest.fixture
def boxed(tmp_path) -> Iterator[Callable[..., AgentProcess]]:
    """boxed("source of main.py", limits) or boxed(folder): a box that is loading."""
    boxes: list[AgentProcess] = []

    def start(source: str | Path, limits: Limits = LIMITS, **options) -> AgentProcess:
        if isinstance(source, str):
            path = tmp_path / f"agent{len(boxes)}.py"
            path.write_text(source)
            source = path
        boxes.append(AgentProcess(source, limits, **options))
        boxes[-1].start()
        return boxes[-1]

    yield start
    for box in boxes:
        box.close()
