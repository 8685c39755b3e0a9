"""The help page: every state word, verdict and term with the sentence behind it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from league import words


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    context = {
        "terms": words.TERMS,
        "submission_states": {s.value.lower(): t for s, t in words.SUBMISSION_STATES.items()},
        "match_states": {words.MATCH_STATE_WORDS[s]: t for s, t in words.MATCH_STATES.items()},
        "seat_statuses": {name.lower(): text for name, text in words.SEAT_STATUSES.items()},
        "purposes": {words.PURPOSE_WORDS[p]: text for p, text in words.PURPOSES.items()},
        "verdicts": words.verdict_rows(),
    }
    return render(request, "league/help.html", context)
