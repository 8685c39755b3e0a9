"""Ladders count their episodes from here on: those of before are counted from the log."""

from typing import Any

from django.db import migrations


def ask_for_rebuild(apps: Any, schema_editor: Any) -> None:
    apps.get_model("league", "Ladder").objects.update(is_rebuild_due=True)


class Migration(migrations.Migration):
    dependencies = [("league", "0006_honest_ladder")]
    operations = [migrations.RunPython(ask_for_rebuild, migrations.RunPython.noop)]
