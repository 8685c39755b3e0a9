"""The organiser's view: competitions, submissions, matches, and actions that ask for a reason.

Every action calls the verb that pages and API call, so the same rules hold, and is audited.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

import evaluation
from league import alerts, competitions, halts, house, ledger, limits, matches, submissions, teams
from league.errors import Conflict, LeagueError
from league.models import (
    Alert,
    ApiToken,
    Attempt,
    AuditEntry,
    Competition,
    Entrant,
    Halt,
    Invitation,
    Match,
    MatchSeat,
    Membership,
    Submission,
    Team,
)

if TYPE_CHECKING:  # Django's own classes take no parameters at run time
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline

Verb = Callable[[Any, Any, str], object]

admin.site.site_header = "Palaestra"
admin.site.site_title = "Palaestra"
admin.site.index_title = "The organiser's desk"


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=300, widget=forms.TextInput(attrs={"size": 80, "autofocus": True})
    )


def with_reason(label: str, verb: Verb) -> Callable[..., HttpResponse | None]:
    """An admin action that asks why, then carries the verb out on each chosen row."""

    def action(
        model_admin: ModelAdmin, request: HttpRequest, rows: QuerySet[Any]
    ) -> HttpResponse | None:
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            return _ask_for_reason(model_admin, request, rows, form, label, action.__name__)
        for row in rows:
            _carry_out(request, verb, row, form.cleaned_data["reason"], label)
        return None

    action.__name__ = label.lower().replace(" ", "_")
    return admin.action(description=label, permissions=["change"])(action)


def _ask_for_reason(
    model_admin: ModelAdmin,
    request: HttpRequest,
    rows: QuerySet[Any],
    form: ReasonForm,
    label: str,
    action_name: str,
) -> HttpResponse:
    context = model_admin.admin_site.each_context(request) | {
        "title": label,
        "rows": rows,
        "form": form,
        "action_name": action_name,
        "opts": model_admin.model._meta,
    }
    return TemplateResponse(request, "admin/league/reason.html", context)


def _carry_out(request: HttpRequest, verb: Verb, row: Any, reason: str, label: str) -> None:
    try:
        verb(row, request.user, reason)
    except LeagueError as error:
        messages.error(request, f"{row}: {error.message}")
    else:
        messages.success(request, f"{label}: {row}.")


class ReadOnlyAdmin(ModelAdmin):
    """For rows that only verbs may write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **more: Any) -> Any:
        """Without a button that would save nothing; the right to change is for the actions."""
        more["extra_context"] = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, *args, **more)


LADDER_FACTS = ("stage", "locked_at", "field_hash", "fitted_at", "data_hash", "revision")


def ladder_fact(name: str) -> Callable[["CompetitionAdmin", Competition], Any]:
    """A read-only field of the competition's ladder; empty before there is one."""

    def fact(model_admin: "CompetitionAdmin", competition: Competition) -> Any:
        return getattr(getattr(competition, "ladder", None), name, None)

    return admin.display(description=name.replace("_", " "), empty_value="–")(fact)


@admin.register(Competition)
class CompetitionAdmin(ModelAdmin):
    list_display = ("title", "environment", "phase_now", "is_paused", "deadline", "entrants_now")
    list_filter = ("is_paused", "environment", "opens_at", "deadline")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    readonly_fields = ("environment_version", "anchor", "is_paused", *LADDER_FACTS)
    actions = (
        with_reason("Pause", competitions.pause),
        with_reason("Resume", competitions.resume),
        with_reason("Recompute ratings", ledger.recompute_by_hand),
    )
    fieldsets = (
        (None, {"fields": ("title", "slug", "summary", "rules")}),
        (
            "Game",
            {
                "fields": ("environment", "environment_version", "configuration", "anchor"),
                "description": "Three clocks of the game stand in its configuration: "
                "<code>actTimeout</code> is the move limit, <code>remainingOverageTime</code> the "
                "bank for all that moves take beyond it, <code>runTimeout</code> the limit of a "
                "whole episode, each in seconds.",
            },
        ),
        ("Dates", {"fields": ("opens_at", "deadline", "closes_at", "is_paused")}),
        (
            "Who may submit what",
            {
                "fields": (
                    "daily_limit", "active_limit", "allow_urls", "max_team_size",
                    "requires_verified_email",
                )
            },
        ),
        (
            "How agents play",
            {
                "fields": ("clock", "pondering", "startup_s", "memory_mb", "packages"),
                "description": "Shown on the competition's page. A change holds from the next "
                "match on; each episode keeps the limits that it was played under.",
            },
        ),
        (
            "Ladder",
            {"fields": ("prize_cut", "settle_se", "final_settle_se", "max_matches", *LADDER_FACTS)},
        ),
    )  # fmt: skip

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "environment":
            games = [(name, name) for name in sorted(evaluation.environments)]
            kwargs["widget"] = forms.Select(choices=[("", "---------"), *games])
        if db_field.name == "packages":
            kwargs["widget"] = forms.Select(choices=limits.package_choices())
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    stage, locked_at, field_hash, fitted_at, data_hash, revision = map(ladder_fact, LADDER_FACTS)

    @admin.display(description="phase")
    def phase_now(self, competition: Competition) -> str:
        return competition.phase.label

    @admin.display(description="entrants")
    def entrants_now(self, competition: Competition) -> int:
        return competition.entrants.playing().count()

    def save_model(self, request: HttpRequest, obj: Competition, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        house.enlist(obj)
        if changed := ", ".join(form.changed_data):
            AuditEntry.log(request.user, "change" if change else "create", obj, changed)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and not obj.submissions.exclude(kind="house").exists()


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyAdmin):
    list_display = ("label_now", "competition", "team", "kind", "status", "verdict", "created")
    list_filter = ("competition", "status", "kind", "verdict", "created")
    search_fields = ("team__name", "sha256", "description")
    list_select_related = ("competition", "team")
    actions = (
        with_reason("Retire", submissions.retire),
        with_reason("Disqualify", submissions.disqualify),
        with_reason("Reinstate", submissions.reinstate),
    )

    @admin.display(description="submission")
    def label_now(self, submission: Submission) -> str:
        return format_html('<a href="{}">{}</a>', submission.get_absolute_url(), submission)

    list_display_links = ("kind",)


class SeatInline(TabularInline):
    model = MatchSeat
    can_delete = False
    extra = 0
    fields = readonly_fields = (
        "number", "submission", "status", "verdict", "score", "rating_change"
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttemptInline(TabularInline):
    model = Attempt
    can_delete = False
    extra = 0
    # The token proves a result genuine: nobody needs to see it.
    fields = readonly_fields = ("number", "state", "reason", "worker", "sent", "ended")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Match)
class MatchAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "competition", "purpose", "state", "faults", "is_void", "created")
    list_filter = ("competition", "purpose", "state", "is_void", "faults", "created")
    search_fields = ("=id", "seats__submission__team__name")
    list_select_related = ("competition",)
    inlines = (SeatInline, AttemptInline)
    actions = (
        with_reason("Run again", matches.run_again),
        with_reason("Cancel", matches.cancel),
        with_reason("Void", matches.void),
    )


class MembershipInline(TabularInline):
    model = Membership
    can_delete = False
    extra = 0
    fields = readonly_fields = ("user", "role", "created")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def hand_over(membership: Membership, actor: Any, reason: str) -> None:
    teams.make_leader(actor, membership.user, reason)


def remove_member(membership: Membership, actor: Any, reason: str) -> None:
    teams.remove(actor, membership.user, reason)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "team", "role", "created")
    list_filter = ("role",)
    search_fields = ("user__username", "team__name")
    list_select_related = ("user", "team")
    actions = (
        with_reason("Make leader", hand_over),
        with_reason("Remove from team", remove_member),
    )


@admin.register(Team)
class TeamAdmin(ModelAdmin):
    list_display = ("name", "members_now", "merged_into", "is_house", "is_system", "created")
    list_filter = ("is_house", "is_system")
    list_select_related = ("merged_into",)
    search_fields = ("name", "memberships__user__username")
    inlines = (MembershipInline,)
    # The code of the invitation admits whoever has it: nobody needs to see it.
    fields = ("name", "is_house", "is_system", "merged_into", "created")
    readonly_fields = ("is_house", "is_system", "merged_into", "created")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="members")
    def members_now(self, team: Team) -> int:
        return team.memberships.count()

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        if "name" in form.changed_data:
            teams.rename(request.user, obj, obj.name)


@admin.register(Entrant)
class EntrantAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "competition", "rating", "joined", "left", "is_disqualified")
    list_filter = ("competition", "is_disqualified", "joined")
    list_select_related = ("submission__team", "competition", "rating")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created", "actor", "action", "target", "reason")
    list_filter = ("action", "created")
    search_fields = ("target", "reason", "actor__username")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("code", "target", "message", "count", "raised", "last_seen", "closed")
    list_filter = (("closed", admin.EmptyFieldListFilter), "code", "raised")
    search_fields = ("target", "message")
    actions = (with_reason("Close", alerts.close),)


def lift(stop: Halt, actor: Any, reason: str) -> None:
    """One that is over must not end the one that is not."""
    if stop.ended:
        raise Conflict("This stop is over already.", "no_change")
    halts.lift(actor, reason)


@admin.register(Halt)
class HaltAdmin(ReadOnlyAdmin):
    """Adding one stops all competitions; lifting it lets them go on."""

    list_display = ("reason", "actor", "began", "ended")
    list_filter = (("ended", admin.EmptyFieldListFilter),)
    list_select_related = ("actor",)
    fields = ("reason", "actor", "began", "ended")
    actions = (with_reason("Lift", lift),)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("league.add_halt") and halts.current() is None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("reason",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return super().get_readonly_fields(request, obj) if obj else []

    def save_model(self, request: HttpRequest, obj: Halt, form: Any, change: bool) -> None:
        obj.pk = halts.halt(request.user, obj.reason).pk


@admin.register(Invitation)
class InvitationAdmin(ModelAdmin):
    list_display = ("note", "code", "used_by", "created")
    readonly_fields = ("code", "used_by")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("user", "scope", "created", "last_used")
    list_filter = ("scope",)
    exclude = ("digest",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["user", "scope", "created", "last_used"]
