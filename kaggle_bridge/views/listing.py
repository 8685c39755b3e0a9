"""What the list of runs shows, each part read when a template asks for it."""

from dataclasses import dataclass
from functools import cached_property

from kaggle_bridge import overview
from kaggle_bridge.models import TrainingRun

PAGE = 25
LONGEST_NUMBER = 18  # digits; more are no row of any database


@dataclass(frozen=True)
class Row:
    """best: its strongest entrant."""

    run: TrainingRun
    best: overview.Entered | None


class Listing:
    """before: the page that begins below this run; the newest where it is no number."""

    def __init__(self, before: str = "") -> None:
        is_number = before.isdecimal() and len(before) <= LONGEST_NUMBER
        self._before = int(before) if is_number else None

    @property
    def is_newest(self) -> bool:
        return self._before is None

    @cached_property
    def _found(self) -> list[overview.UnderWay]:
        return overview.under_way(overview.SHOWN + 1)

    @property
    def running(self) -> list[overview.UnderWay]:
        return self._found[: overview.SHOWN]

    @property
    def has_more_running(self) -> bool:
        return len(self._found) > overview.SHOWN

    @cached_property
    def brought(self) -> list[overview.Entered]:
        return overview.brought()

    @cached_property
    def _page(self) -> list[TrainingRun]:
        """By id and not by page number: the list grows at its top while somebody reads it."""
        rows = overview.all_runs().order_by("-pk")
        return list((rows.filter(pk__lt=self._before) if self._before else rows)[: PAGE + 1])

    @cached_property
    def rows(self) -> list[Row]:
        runs = self._page[:PAGE]
        best = overview.best_entered([run.pk for run in runs])
        return [Row(run, best.get(run.pk)) for run in runs]

    @property
    def older(self) -> int | None:
        return self._page[PAGE - 1].pk if len(self._page) > PAGE else None

    @property
    def is_moving(self) -> bool:
        return any(
            row.run.ended is None and row.run.state in TrainingRun.ACTIVE for row in self.rows
        )
