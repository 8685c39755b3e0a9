"""The key that agents behind URLs can check our requests with."""

from pathlib import Path

from django.conf import settings
from ninja import Router
from pydantic import BaseModel, Field

from evaluation.signing import SigningKey
from league.api.auth import ApiRequest
from league.api.routing import PUBLIC, answers

router = Router(tags=["signing"])


class SigningKeyOut(BaseModel):
    key: str = Field(
        description="`whpk_` and the Ed25519 key in base64, as Standard Webhooks has it."
    )


@router.get("", response=answers(ok=SigningKeyOut), **PUBLIC)
def get_signing_key(request: ApiRequest) -> SigningKeyOut:
    """The public key of this league: every request to an agent behind a URL is signed with it."""
    return SigningKeyOut(key=SigningKey.load_or_create(Path(settings.SIGNING_KEY_PATH)).public)
