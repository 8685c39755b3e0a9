"""API tokens: issued once, stored as a hash, recognised on each request."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from league.models import ApiToken

PREFIX = "palaestra_"
LAST_USED_STEP = timedelta(minutes=1)


def issue(user: User, scope: str = ApiToken.Scope.SUBMIT) -> str:
    """A new token of this user. Only its SHA-256 is kept: it cannot be shown again."""
    raw = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user=user, digest=_digest(raw), scope=scope)
    return raw


def authenticate(raw: str) -> ApiToken | None:
    """The token with its user; None if it is unknown or its user may not log in any more."""
    token = ApiToken.objects.select_related("user").filter(digest=_digest(raw)).first()
    if token is None or not token.user.is_active:
        return None
    _note_use(token)
    return token


def _note_use(token: ApiToken) -> None:
    """At most one write a minute, however often the token is used."""
    now = timezone.now()
    if token.last_used is None or now - token.last_used >= LAST_USED_STEP:
        token.last_used = now
        token.save(update_fields=["last_used"])


def _digest(raw: str) -> str:
    # The token holds 256 random bits, so a plain hash is as good as a slow one.
    return hashlib.sha256(raw.encode(errors="surrogateescape")).hexdigest()
