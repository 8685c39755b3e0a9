"""What organisers do to a run: cancel it, try again, bring in its output by hand, take a file."""

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from kaggle_bridge import rights, runs, store
from kaggle_bridge.models import Checkpoint, TrainingRun
from league.errors import LeagueError, NotFound
from league.views.fragments import Request
from league.views.lookup import find

LONGEST_REASON = 200


@require_POST
def start(request: Request, pk: int) -> HttpResponse:
    run = _run(request, pk)
    runs.start(run, request.user)
    messages.success(request, f"Run {pk} is on its way.")
    return redirect(run)


@require_POST
def cancel(request: Request, pk: int) -> HttpResponse:
    run = _run(request, pk)
    runs.cancel(run, request.user, request.POST.get("reason", "").strip()[:LONGEST_REASON])
    messages.success(request, f"Run {pk} is cancelled. What it has left so far stays.")
    return redirect(run)


@require_POST
def retry(request: Request, pk: int) -> HttpResponse:
    run = _run(request, pk)
    runs.retry(run, request.user)
    messages.success(request, f"Run {pk} goes on.")
    return redirect(run)


@require_POST
def bring(request: Request, pk: int) -> HttpResponse:
    run = _run(request, pk)
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise LeagueError("Choose a file: the output folder as a .zip, or one checkpoint.", "empty")
    added = runs.bring(run, request.user, file.name or "", file.read())
    messages.success(request, _brought(added))
    return redirect(run)


def _brought(added: int) -> str:
    if not added:
        return "Everything in it was here already."
    return f"{added} new checkpoint{'s' if added > 1 else ''} taken in."


@require_safe
def checkpoint(request: Request, pk: int, step: int) -> FileResponse:
    """The file itself, for whoever may start runs."""
    run = _run(request, pk)
    row = find(Checkpoint.objects.all(), "checkpoint", run=run, step=step)
    path = store.path(row.sha256)
    if not path.is_file():
        raise NotFound("Its file is not in the store any more.")
    name = f"run_{pk}_step_{step}.safetensors"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def _run(request: Request, pk: int) -> TrainingRun:
    """Raises Forbidden before it says whether there is such a run."""
    rights.require(request.user)
    return find(TrainingRun.objects.all(), "training run", pk=pk)
