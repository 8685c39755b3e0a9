"""What routes share: who is let in, and which answers they document."""

from typing import Any

from django.db.models import TextChoices
from pydantic import WithJsonSchema

from league.api.auth import SUBMIT, Bearer
from league.api.errors import ErrorOut
from league.idempotency import HEADER

# Anyone may read; a token that is sent must be good nevertheless.
PUBLIC: dict[str, Any] = {"auth": Bearer(), "openapi_extra": {"security": [{}]}}

IDEMPOTENCY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "schema": {"type": "string", "maxLength": 200},
    "required": False,
    "description": "Any text of your choice. Kept for a day: the same key answers with the first "
    "result, with another body 409.",
}
SUBMITTERS: dict[str, Any] = {"auth": Bearer(SUBMIT)}


def answers(*errors: int, **good: Any) -> dict[int, Any]:
    """`answers(404, ok=Out)`: the documented answers of a route; a bad token is always one."""
    statuses = {"ok": 200, "created": 201}
    documented = {statuses[name]: shape for name, shape in good.items()}
    return documented | dict.fromkeys(sorted({400, 401, 500, *errors}), ErrorOut)


def one_of(choices: type[TextChoices]) -> WithJsonSchema:
    """Documents a choice by its words, where it is used."""
    return WithJsonSchema({"type": "string", "enum": list(choices.values)})
