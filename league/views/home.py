"""The home page: what is played here, who leads, what happened last."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from league.models import Competition, Match, Phase
from league.standings import standings
from league.views.fragments import Request, render_live

NEWEST = 8


@require_safe
def home(request: Request) -> HttpResponse:
    now = timezone.now()
    begun = Competition.objects.exclude(closes_at__lte=now).filter(opens_at__lte=now)
    context = {
        # Those that still take submissions come first.
        "standings": standings(sorted(begun, key=lambda each: each.phase_at(now) != Phase.OPEN)),
        "matches": Match.objects.rated().filter(state=Match.State.DONE).for_display()[:NEWEST],
    }
    fragments = {"newest-matches": "league/_newest_matches.html"}
    return render_live(request, "league/home.html", fragments, context)
