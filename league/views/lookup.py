"""Rows that an address names; what is not there, or not yours to see, is one and the same 404."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from league.errors import NotFound
from league.models import Competition

M = TypeVar("M", bound=Model)


def find(rows: QuerySet[M], what: str, **where: object) -> M:
    found = rows.filter(**where).first()
    if found is None:
        raise NotFound(f"There is no such {what}.")
    return found


def competition_of(slug: str) -> Competition:
    return find(Competition.objects.all(), "competition", slug=slug)
