"""What one boxed agent may use."""

from dataclasses import dataclass
from typing import Any

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True)
class Limits:
    """startup_s counts from the moment the box stands until the agent is imported.

    answer_bytes bounds one answer, answers_bytes all of an episode, since its replay keeps them;
    log_bytes what is kept of an agent's output over an episode;
    output_bytes is what it may print before it is killed.
    """

    startup_s: float = 10.0
    memory_bytes: int = GIB
    cpu_s: float = 600.0
    file_bytes: int = 16 * MIB
    files: int = 1024
    descriptors: int = 64
    threads: int = 64
    stack_bytes: int = 8 * MIB
    answer_bytes: int = 64 * KIB
    answers_bytes: int = MIB
    log_bytes: int = 64 * KIB
    output_bytes: int = 16 * MIB

    def for_box(self) -> dict[str, Any]:
        """The part that the process inside sets upon itself before it loads the agent."""
        return {
            "memory_bytes": self.memory_bytes,
            "cpu_s": max(1, round(self.cpu_s)) + 1,
            "file_bytes": self.file_bytes,
            "files": self.files,
            "descriptors": self.descriptors,
            "threads": self.threads,
            "stack_bytes": self.stack_bytes,
        }
