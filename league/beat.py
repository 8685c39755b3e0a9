"""The scheduler's clock: tasks are sent by the monotonic clock, whatever happens to the other."""

import time
from typing import Any

from celery.beat import Scheduler

from league import live

MOST_WAITING = 500


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
                if not is_full((entry.options or {}).get("queue", live.DEFAULT_QUEUE)):
                    self.apply_entry(entry, producer=self.producer)
        return max(0.0, min(self.due.values()) - time.monotonic())


def is_full(queue: str) -> bool:
    """Whether so many messages wait that nobody seems to take any: more would only fill Redis."""
    return live.queue_depths().get(queue, 0) >= MOST_WAITING
