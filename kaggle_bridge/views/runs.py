"""The list of runs, and the page of one."""

from django.conf import settings
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from kaggle_bridge import rights
from kaggle_bridge.models import TrainingRun
from kaggle_bridge.views.listing import Listing
from kaggle_bridge.views.run_page import RunPage
from league.views.fragments import Request, render_live
from league.views.lookup import find

LISTED = {
    "running-runs": "kaggle_bridge/_running_runs.html",
    "brought": "kaggle_bridge/_brought.html",
    "run-list": "kaggle_bridge/_run_list.html",
}
PARTS = {
    name: f"kaggle_bridge/_{name.replace('-', '_')}.html"
    for name in (
        "run-state", "run-curve", "run-curve-table", "run-charts", "run-charts-table", "run-more",
        "run-sessions", "run-log", "run-checkpoints", "run-deeds",
    )
}  # fmt: skip


@require_safe
def training_list(request: Request) -> HttpResponse:
    context = {
        "listing": Listing(request.GET.get("before", "")),
        "may_start": rights.may_start(request.user),
    }
    return render_live(request, "kaggle_bridge/training_list.html", LISTED, context)


@require_safe
def detail(request: Request, pk: int) -> HttpResponse:
    rows = TrainingRun.objects.select_related("competition", "team", "author")
    run = find(rows, "training run", pk=pk)
    context = {
        "run": run,
        "title": f"Run {run.pk}: {run.preset}",
        "page": RunPage(run),
        "may_start": rights.may_start(request.user),
        "max_bytes": settings.MAX_UPLOAD_BYTES,
    }
    return render_live(request, "kaggle_bridge/training_detail.html", PARTS, context)
