"""The home page: what is played here, who leads, what happened last."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from league.models import Competition, Match
from league.standings import standings
from league.views.fragments import Request, render_live

NEWEST = 8


@require_safe
def home(request: Request) -> HttpResponse:
    competitions = Competition.objects.exclude(closes_at__lte=timezone.now())
    context = {
        "standings": standings(list(competitions.filter(opens_at__lte=timezone.now()))),
        "matches": Match.objects.rated().filter(state=Match.State.DONE).for_display()[:NEWEST],
    }
    fragments = {"newest-matches": "league/_newest_matches.html"}
    return render_live(request, "league/home.html", fragments, context)
