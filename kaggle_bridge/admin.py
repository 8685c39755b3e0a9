"""The organiser's view of training: rows to read, and the actions of its pages with a reason."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from kaggle_bridge import runs
from kaggle_bridge.models import Account, Checkpoint, Session, TrainingRun
from league.admin import ReadOnlyAdmin, TabularInline, with_reason


class RowsInline(TabularInline):
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SessionInline(RowsInline):
    model = Session
    # The token proves that an output is this session's: nobody needs to see it.
    fields = readonly_fields = ("number", "state", "step", "reason", "started", "ended")


class CheckpointInline(RowsInline):
    model = Checkpoint
    fields = readonly_fields = ("step", "state", "arena", "size_bytes", "submission", "error")


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = (
        "run_now", "state", "backend", "accelerator", "competition", "step", "total_steps",
        "author", "created",
    )  # fmt: skip
    list_display_links = ("state",)
    list_filter = ("state", "backend", "accelerator", "preset", "competition", "created")
    list_select_related = ("competition", "author")
    search_fields = ("=id", "preset", "note", "error", "author__username")
    inlines = (SessionInline, CheckpointInline)
    actions = (
        with_reason("Start", runs.start),
        with_reason("Start again", runs.retry),
        with_reason("Cancel", runs.cancel),
    )

    @admin.display(description="run")
    def run_now(self, run: TrainingRun) -> str:
        return format_html('<a href="{}">{}</a>', run.get_absolute_url(), run)


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("backend", "owner", "has_credentials", "problem", "quota_at", "seen_at")
