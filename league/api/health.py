"""/healthz: this process answers. /readyz: so does what the league needs, within a second."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from league import live
from league.models import Competition

logger = logging.getLogger(__name__)

OK, DOWN, BOX = "ok", "down", "box"
TIMEOUT_S = 1.0
# The beat is marked every two seconds by a task, which may wait behind a long one.
MAX_BEAT_AGE = timedelta(seconds=30)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": OK})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all but the sandbox answer: without a box the site works, strangers' agents wait."""
    answers = ask_all({**CHECKS, BOX: box_report})
    box = answers.pop(BOX) or {"state": DOWN}
    states = {name: OK if answer else DOWN for name, answer in answers.items()}
    is_ready = all(state == OK for name, state in states.items() if name != "sandbox")
    return JsonResponse(states | {BOX: box}, status=200 if is_ready else 503)


def ask_all(questions: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """The answer of each, all asked at once; None from what raises or takes too long."""
    pool = ThreadPoolExecutor(max_workers=len(questions), thread_name_prefix="readyz")
    try:
        asked = {name: pool.submit(question) for name, question in questions.items()}
        wait(asked.values(), timeout=TIMEOUT_S)
        return {name: answer_of(name, future) for name, future in asked.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def answer_of(name: str, future: "Future[Any]") -> Any:
    if not future.done():
        return None
    if error := future.exception():
        logger.warning("readyz: %s: %s", name, error)
        return None
    return future.result()


def box_report() -> dict[str, Any]:
    """How strangers' agents are held, as a whole and by each worker."""
    box = asdict(live.box())
    workers = [
        report.model_dump(include={"name", "level", "has_box", "checks"})
        | {"minimum": report.minimum, "details": report.facts}
        for report in live.workers()
    ]
    return {"state": OK if box.pop("is_ready") else DOWN, **box, "workers": workers}


def has_database() -> bool:
    """Asks for a row of ours, so that a database without our tables is not taken for ours."""
    try:
        Competition.objects.exists()
        return True
    finally:
        connection.close()  # this thread's own


def has_scheduler() -> bool:
    beat = live.scheduler_beat()
    return beat is not None and datetime.now(UTC) - beat < MAX_BEAT_AGE


CHECKS: dict[str, Callable[[], bool]] = {
    "database": has_database,
    "redis": live.is_reachable,
    "workers": lambda: bool(live.workers()),
    "scheduler": has_scheduler,
    "sandbox": lambda: live.box().is_ready,
}
