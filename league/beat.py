"""The scheduler's clock: tasks are sent by the monotonic clock, whatever happens to the other."""

import time
from typing import Any

from celery.beat import Scheduler


class SteadyScheduler(Scheduler):
    """Sends each task at its interval. Celery's own waits for hours where the clock is set back."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.due: dict[str, float] = {}
        super().__init__(*args, **more)

    def tick(self, *args: Any, **more: Any) -> float:
        """Sends what is due; seconds until the next one is."""
        now = time.monotonic()
        for name, entry in self.schedule.items():
            if now >= self.due.get(name, now):
                self.due[name] = now + self.app.conf.beat_schedule[name]["schedule"]
                self.apply_entry(entry, producer=self.producer)
        return max(0.0, min(self.due.values()) - time.monotonic())
