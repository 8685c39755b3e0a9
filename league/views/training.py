"""Training runs: a quiet page until there are some."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def training_list(request: HttpRequest) -> HttpResponse:
    return render(request, "league/training_list.html")
