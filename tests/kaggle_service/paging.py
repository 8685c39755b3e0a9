"""Pages of a list; the token of the next one tells clients nothing."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from tests.kaggle_service.errors import ApiError

Item = TypeVar("Item")


def page(
    items: Sequence[Item], request: dict[str, Any], usual: int, largest: int
) -> tuple[Sequence[Item], str]:
    """The items of the page that is asked for, and the token of the next one or nothing."""
    size = min(int(request.get("pageSize") or usual), largest)
    start = _start(request, size)
    end = start + size
    return items[start:end], _token(end) if end < len(items) else ""


def _start(request: dict[str, Any], size: int) -> int:
    token = request.get("pageToken")
    if not token:
        return (int(request.get("page") or 1) - 1) * size
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except (binascii.Error, ValueError) as error:
        raise ApiError(400, "Invalid page token") from error


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()
