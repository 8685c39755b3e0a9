"""Lists: a window of `limit` rows from `offset`, with the number of rows there are."""

from typing import TypeVar

from django.db.models import Model, QuerySet
from pydantic import BaseModel, Field

Row = TypeVar("Row", bound=Model)

MAX_LIMIT = 200
MAX_OFFSET = 1_000_000_000
MAX_ID = 2**63 - 1


class Window(BaseModel):
    limit: int = Field(50, ge=1, le=MAX_LIMIT, description="Rows at most.")
    offset: int = Field(0, ge=0, le=MAX_OFFSET, description="Rows to leave out at the start.")


def window_of(rows: QuerySet[Row], window: Window) -> tuple[list[Row], int]:
    """The rows of the window, and the count of all."""
    return list(rows[window.offset : window.offset + window.limit]), rows.count()
