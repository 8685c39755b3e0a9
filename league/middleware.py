"""Refuses what is too large before it is read, and turns a LeagueError into an answer."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from league.errors import LeagueError, TooLarge
from league.views.errors import answer

GetResponse = Callable[[HttpRequest], HttpResponse]
UPLOAD_PATHS = ("/submit/", "/submissions", "/bring/")
# A form or a JSON body of anything but an upload.
SMALL_BODY_BYTES = 1024 * 1024


class UploadLimitMiddleware:
    """Judges by Content-Length, so that the body of what is refused is never read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # A deadline is judged by when a request reached us, not by when its body was read.
        request.arrived = timezone.now()  # type: ignore[attr-defined]
        length = _length(request)
        if request.path.endswith(UPLOAD_PATHS):
            if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                limit = settings.MAX_UPLOAD_BYTES // 2**20
                return answer(request, TooLarge(f"An upload may have {limit} MB, not more."))
        elif length > SMALL_BODY_BYTES:
            return answer(request, TooLarge("This is more than anything here takes."))
        return self.get_response(request)


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isdecimal() else 0


class LeagueErrorMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return answer(request, error) if isinstance(error, LeagueError) else None
