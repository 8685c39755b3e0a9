"""The daily limit: whose submissions of today count for a team."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from league.models import Submission, Team


def day_start() -> datetime:
    """00:00 UTC of today."""
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def used_today(teams: Collection[Team]) -> dict[int, int]:
    """How many submissions of today count for these teams together, by competition.

    What a member has sent in for another team counts, too: to leave brings no fresh limit.
    """
    theirs = Q(team__in=teams) | Q(author__membership__team__in=teams)
    rows = Submission.objects.filter(theirs, created__gte=day_start()).counted().order_by()
    return dict(rows.values_list("competition").annotate(Count("pk")))
