"""Who may sign up (SIGNUP): everybody, holders of an invitation code, or nobody. Whose e-mail
address is confirmed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from league.errors import Forbidden
from league.models import Competition, Invitation

SESSION_KEY = "invitation"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGNUP == "invite":
            return _has_invitation(request)
        return bool(settings.SIGNUP == "open")

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """In the mode `invite`, user and used code are stored together or not at all."""
        if settings.SIGNUP != "invite":
            return super().save_user(request, user, form, commit)
        with transaction.atomic():
            user = super().save_user(request, user, form, commit=True)
            code = request.session.pop(SESSION_KEY, "")
            if not Invitation.objects.filter(code=code, used_by=None).update(used_by=user):
                raise Forbidden("This invitation has been used meanwhile.", "invitation_used")
        return user


def _has_invitation(request: HttpRequest) -> bool:
    """The code comes once in the address and is remembered for the form that follows."""
    code = request.GET.get("invitation", "").strip() or request.session.get(SESSION_KEY, "")
    if not code.isprintable():
        return False  # PostgreSQL fails at a NUL
    if not Invitation.objects.filter(code=code, used_by=None).exists():
        return False
    request.session[SESSION_KEY] = code
    return True


def has_verified_email(user: Any) -> bool:
    """Whether the user has confirmed an address and still has it."""
    return bool(EmailAddress.objects.filter(user=user, verified=True).exists())


def require_verified_email(competition: Competition, user: Any) -> None:
    if competition.requires_verified_email and not has_verified_email(user):
        raise Forbidden(
            f"{competition} asks for a confirmed e-mail address: add yours at "
            f"{settings.SITE_URL}{reverse('account_email')} and follow the link that is sent to "
            "it.",
            "email_not_verified",
        )
