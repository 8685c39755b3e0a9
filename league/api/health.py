"""/healthz: this process answers. /readyz: so does what the league needs, within a second."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from league import live
from league.models import Competition

logger = logging.getLogger(__name__)

OK, DOWN = "ok", "down"
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
    states = check_all(CHECKS)
    is_ready = all(state == OK for name, state in states.items() if name != "sandbox")
    return JsonResponse(states, status=200 if is_ready else 503)


def check_all(checks: dict[str, Callable[[], bool]]) -> dict[str, str]:
    """The state of each, all asked at once; what has not answered in time is down."""
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="readyz")
    try:
        asked = {name: pool.submit(check) for name, check in checks.items()}
        wait(asked.values(), timeout=TIMEOUT_S)
        return {name: state_of(name, answer) for name, answer in asked.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def state_of(name: str, answer: "Future[bool]") -> str:
    if not answer.done():
        return DOWN
    error = answer.exception()
    if error:
        logger.warning("readyz: %s: %s", name, error)
    return OK if error is None and answer.result() else DOWN


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
