"""Ladders count their episodes from here on, and competitions have a final evaluation."""

from typing import Any

from django.db import migrations
from django.db.models import F
from django.utils import timezone


def ask_for_rebuild(apps: Any, schema_editor: Any) -> None:
    apps.get_model("league", "Ladder").objects.update(is_rebuild_due=True)


def close_what_was_decided(apps: Any, schema_editor: Any) -> None:
    """A deadline that has passed ended a competition: no final is played, and no rating reset."""
    decided = apps.get_model("league", "Competition").objects.filter(
        deadline__lte=timezone.now(), closes_at=None
    )
    decided.update(closes_at=F("deadline"))


class Migration(migrations.Migration):
    dependencies = [("league", "0006_honest_ladder")]
    operations = [
        migrations.RunPython(ask_for_rebuild, migrations.RunPython.noop),
        migrations.RunPython(close_what_was_decided, migrations.RunPython.noop),
    ]
