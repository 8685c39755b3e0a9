"""Where an entrant comes from, for its page. `league` loads this by its name alone."""

from typing import Any

from django import template

from kaggle_bridge.changes import changes
from kaggle_bridge.models import Checkpoint
from league.models import Submission

register = template.Library()


@register.inclusion_tag("kaggle_bridge/_lineage.html")
def lineage(submission: Submission) -> dict[str, Any]:
    """The checkpoint that it was made of, and the one before it in its run."""
    rows = Checkpoint.objects.select_related("run", "session")
    checkpoint = rows.filter(submission=submission).first()
    if checkpoint is None:
        return {"checkpoint": None}
    before = rows.filter(run=checkpoint.run, step__lt=checkpoint.step).order_by("-step")
    parent = before.select_related("submission__team").first()
    run = checkpoint.run
    return {"checkpoint": checkpoint, "run": run, "changes": changes(run), "parent": parent}
