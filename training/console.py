"""What a run tells its shell: a progress bar in a terminal, plain lines elsewhere.

A terminal that has gone takes nothing from the run: what cannot be printed is dropped.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

try:
    from tqdm import tqdm
except ImportError:  # plain lines where it is missing
    tqdm = None  # type: ignore[assignment,misc]

SHOWN = 4  # metrics beside the bar


class Console:
    """`say` prints a line to stdout, `warn` to stderr and into `warnings` for the summary."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._bar: Any = None
        self._start = (0, time.monotonic())

    def say(self, line: str) -> None:
        self._print(line, sys.stdout)

    def warn(self, line: str) -> None:
        """Once: what has been said before is not said again."""
        if line not in self.warnings:
            self.warnings.append(line)
            self.error(f"Warning: {line}")

    def error(self, text: str) -> None:
        self._print(text, sys.stderr)

    def _print(self, text: str, stream: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            if self._bar is not None:
                tqdm.write(text, file=stream)
            else:
                print(text, file=stream, flush=True)

    @contextlib.contextmanager
    def progress(self, step: int, total: int) -> Iterator[None]:
        """Around the loop; `advance` and `log` show how far it is."""
        self._start = (step, time.monotonic())
        if tqdm is not None and sys.stdout.isatty():
            self._bar = tqdm(total=total, initial=step, unit="step", unit_scale=True)
        try:
            yield
        finally:
            self._close()

    def advance(self, step: int) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.update(min(step, self._bar.total) - self._bar.n)

    def log(self, step: int, total: int, metrics: Mapping[str, float | None], rate: float) -> None:
        """Once a log interval. rate: steps a second."""
        shown = {name: _short(value) for name, value in metrics.items() if value is not None}
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.set_postfix(dict(list(shown.items())[:SHOWN]))
            return
        place = f"step {step:,} of {total:,} ({min(step / total, 1):.0%})"
        words = [place, *(f"{name} {value}" for name, value in shown.items())]
        self.say("  ".join([*words, f"{rate:,.0f} steps/s{self._left(step, total)}"]))

    def _left(self, step: int, total: int) -> str:
        first, began = self._start
        if step <= first or step >= total:
            return ""
        seconds = (time.monotonic() - began) * (total - step) / (step - first)
        return f", {int(seconds) // 60}:{int(seconds) % 60:02} left"

    def _close(self) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.close()
            self._bar = None


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
