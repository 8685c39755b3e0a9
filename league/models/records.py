"""Records beside the game: API tokens, idempotency keys, the audit trail, alerts and halts."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """A bearer token; only its SHA-256 is stored."""

    class Scope(models.TextChoices):
        READ = "read", "read what its user may read"
        SUBMIT = "submit", "read and submit"
        STAFF = "staff", "read, submit and run trainings"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.SUBMIT)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"token of {self.user} ({self.scope})"


class IdempotencyRecord(models.Model):
    """The first answer to a POST with an Idempotency-Key; kept for a day."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    path = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("user", "path", "key"), name="one_answer_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.key}"


class AuditEntry(models.Model):
    """Who did what to which object, and why. Append-only."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=120)
    reason = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.target}"

    @classmethod
    def log(cls, actor: Any, action: str, target: object, reason: str = "") -> None:
        cls.objects.create(
            actor=actor, action=action, target=str(target)[:120], reason=reason[:300]
        )


def invitation_code() -> str:
    return secrets.token_urlsafe(12)


class Invitation(models.Model):
    """A code that lets one person sign up where SIGNUP is `invite`."""

    code = models.CharField(max_length=32, unique=True, default=invitation_code)
    note = models.CharField(max_length=120, blank=True)
    used_by = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.note or self.code


class Alert(models.Model):
    """Something that needs an organiser; open until it is over."""

    code = models.CharField(max_length=40)
    target = models.CharField(max_length=120, blank=True)
    message = models.CharField(max_length=500)
    count = models.PositiveIntegerField(default=1)
    raised = models.DateTimeField()
    last_seen = models.DateTimeField()
    closed = models.DateTimeField(null=True, blank=True)
    mailed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=("code", "target"),
                condition=models.Q(closed=None),
                name="one_open_alert_a_target",
            )
        ]

    def __str__(self) -> str:
        return self.message


class Halt(models.Model):
    """While one is open no match is sent out, in no competition."""

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=300)
    began = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            # Of all open ones, which have the same value here, there may be one.
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(ended=None), name="one_open_halt"
            )
        ]

    def __str__(self) -> str:
        return self.reason
