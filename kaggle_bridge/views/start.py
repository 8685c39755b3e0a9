"""The page that starts a run."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from kaggle_bridge import configs, rights, runs
from kaggle_bridge.forms import StartForm
from kaggle_bridge.outlook import outlook
from league.errors import LeagueError, NotFound
from league.views.fragments import Request, render_live

FRAGMENTS = {
    "start": "kaggle_bridge/_training_start.html",
    "next": "kaggle_bridge/_training_next.html",
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: Request) -> HttpResponse:
    """GET with fields besides the preset tells what a run with them would do."""
    rights.require(request.user)
    told = configs.schema()
    preset = _preset(request, told)
    if request.method == "POST":
        return _create(request, StartForm(told, preset, request.POST))
    is_asked = bool(request.htmx) and request.htmx.target == "next"
    form = StartForm(told, preset, request.GET if is_asked else None)
    if is_asked:
        form.full_clean()
    return render_live(request, "kaggle_bridge/training_new.html", FRAGMENTS, _context(form, told))


def _preset(request: Request, told: Mapping[str, Any]) -> str:
    given = request.POST if request.method == "POST" else request.GET
    if request.method == "POST" and "preset" not in given:
        raise LeagueError("The form came without its fields: open it and fill it in.", "no_preset")
    preset = str(given.get("preset", next(iter(told["presets"]))))
    if preset not in told["presets"]:
        raise NotFound(f"There is no preset {preset!r:.60}.")
    return preset


def _create(request: Request, form: StartForm) -> HttpResponse:
    error: LeagueError | None = None
    if form.is_valid():
        try:
            return redirect(runs.create(request.user, form.wish()))
        except LeagueError as refused:
            # Shown with the form, so that what was typed is still there.
            error = None if form.refuse(refused) else refused
            status = refused.status
    else:
        status = 400
    context = _context(form, configs.schema()) | {"error": error}
    return render(request, "kaggle_bridge/training_new.html", context, status=status)


def _context(form: StartForm, told: Mapping[str, Any]) -> dict[str, Any]:
    return {"form": form, "presets": list(told["presets"]), "next": outlook(form)}
