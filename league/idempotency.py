"""Idempotency-Key: a POST that is sent again with the same key gets the first answer again.

A record is claimed before the work begins, so of two requests at the same instant one works and
the other waits for its answer. A fault of ours (5xx) is not an answer: its record goes.
"""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from league.errors import Conflict, LeagueError
from league.models import IdempotencyRecord

HEADER = "Idempotency-Key"
KEPT = timedelta(days=1)
# Longer than any request works: who holds a claim for so long was killed.
ABANDONED = timedelta(minutes=2)
WAIT_S = 3.0
POLL_S = 0.05
MAX_KEY_LENGTH = MAX_PATH_LENGTH = 200


def answer_once(request: HttpRequest, user: User, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Does the work, or answers as it was answered first under the key of this request."""
    key = request.headers.get(HEADER)
    if key is None or len(request.path) > MAX_PATH_LENGTH or "\0" in request.path:
        return work()  # no such address does anything that must not be done twice
    check_key(key)
    fingerprint = body_fingerprint(request)
    record, is_mine = claim(user, request.path, key, fingerprint)
    if record.body_sha256 != fingerprint:
        raise Conflict(f"This {HEADER} was used with another body.", "key_reused")
    return keep(record, work) if is_mine else first_answer(record)


def check_key(key: str) -> None:
    if not key or len(key) > MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise LeagueError(
            f"{HEADER} must be 1 to {MAX_KEY_LENGTH} printable ASCII characters.", "bad_key"
        )


def claim(user: User, path: str, key: str, fingerprint: str) -> tuple[IdempotencyRecord, bool]:
    """The record of this key, and whether the caller is the one who has to do the work."""
    now = timezone.now()
    same_key = IdempotencyRecord.objects.filter(user=user, path=path, key=key)
    same_key.filter(created__lt=now - KEPT).delete()
    at_work = (now - ABANDONED, now + ABANDONED)  # later only if the clock was set back
    same_key.filter(status=None).exclude(created__range=at_work).delete()
    return IdempotencyRecord.objects.get_or_create(
        user=user, path=path, key=key, defaults={"body_sha256": fingerprint}
    )


def keep(record: IdempotencyRecord, work: Callable[[], HttpResponse]) -> HttpResponse:
    mine = IdempotencyRecord.objects.filter(pk=record.pk)
    try:
        response = work()
    except BaseException:
        mine.delete()
        raise
    if response.status_code >= 500:
        mine.delete()
    else:
        mine.update(status=response.status_code, answer=json.loads(response.content))
    return response


def first_answer(record: IdempotencyRecord) -> HttpResponse:
    """The kept answer; waits a little for the one who is still working on it."""
    give_up = time.monotonic() + WAIT_S
    while record.status is None:
        if time.monotonic() > give_up:
            raise Conflict(f"The first request with this {HEADER} is still at work.", "in_progress")
        time.sleep(POLL_S)
        fresh = IdempotencyRecord.objects.filter(pk=record.pk).first()
        if fresh is None:
            raise Conflict("The first request failed by our fault: send it again.", "in_progress")
        record = fresh
    response = JsonResponse(record.answer, status=record.status, safe=False)
    response["Idempotency-Replayed"] = "true"
    return response


def body_fingerprint(request: HttpRequest) -> str:
    """A hash over what was sent; a form is hashed by its parts, for its boundary is random."""
    if request.content_type == "multipart/form-data":
        body = json.dumps(form_parts(request)).encode()
    else:
        body = request.body
    return hashlib.sha256(body).hexdigest()


def form_parts(request: HttpRequest) -> list[Any]:
    fields = [[name, values] for name, values in sorted(request.POST.lists())]
    files = [
        [name, file.name, file_sha256(file)]
        for name, uploads in sorted(request.FILES.lists())
        for file in uploads
    ]
    return [fields, files]


def file_sha256(file: "UploadedFile[Any]") -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def purge() -> int:
    """Deletes what need not be kept any longer; returns how many records went."""
    stale = IdempotencyRecord.objects.filter(created__lt=timezone.now() - KEPT)
    return stale.delete()[0]
