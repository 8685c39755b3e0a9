"""What training leaves on the disk and nobody needs any more."""

import shutil
import time
from datetime import timedelta

from django.utils import timezone

from kaggle_bridge import scratch, store
from kaggle_bridge.models import Checkpoint, CheckpointState, TrainingRun

OLD_S = 24 * 3600
SETTLED = timedelta(days=7)  # after which nothing of a run is entered any more


def tidy() -> int:
    """Half-fetched outputs, and checkpoints that nothing goes on from; sessions of this machine
    are its worker's to tidy."""
    return _outputs() + _checkpoints()


def _outputs() -> int:
    old = time.time() - OLD_S
    late = [path for path in scratch.root().glob("*") if path.lstat().st_mtime < old]
    for path in late:
        shutil.rmtree(path, ignore_errors=True)
    return len(late)


def _checkpoints() -> int:
    """Of a run that is over: those that only were to be gone on from, but for the last."""
    count = 0
    settled = TrainingRun.objects.filter(ended__lt=timezone.now() - SETTLED)
    for run in settled.filter(checkpoints__state=CheckpointState.KEPT).distinct():
        rows = run.checkpoints.order_by("-step")[1:]
        idle = [row for row in rows if row.state == CheckpointState.KEPT]
        count += sum(_remove(row) for row in idle)
    return count


def _remove(row: Checkpoint) -> bool:
    """The row stays: what it was, is history."""
    shared = Checkpoint.objects.filter(sha256=row.sha256).exclude(pk=row.pk)
    path = store.path(row.sha256)
    if shared.exists() or not path.exists():
        return False
    path.unlink()
    return True
