"""Episodes: one play each, and its replay."""

import gzip
import io
import zlib
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Router

from evaluation.replay import SIZE_LIMIT
from league import storage
from league.api.auth import ApiRequest
from league.api.matches import EpisodeOut
from league.api.routing import PUBLIC, answers
from league.errors import NotFound
from league.models import Episode

router = Router(tags=["episodes"])


def find_episode(episode_id: int) -> Episode:
    episode = Episode.objects.filter(pk=episode_id).prefetch_related("seats").first()
    if episode is None:
        raise NotFound(f"There is no episode {episode_id}.")
    return episode


@router.get("/{int:id}", response=answers(404, ok=EpisodeOut), **PUBLIC)
def get_episode(request: ApiRequest, id: int) -> EpisodeOut:
    """One play from reset to done."""
    return EpisodeOut.of(find_episode(id))


@router.get("/{int:id}/replay", response=answers(404, ok=dict[str, Any]), **PUBLIC)
def get_replay(request: ApiRequest, id: int) -> HttpResponse:
    """The replay as kaggle-environments' `env.toJSON()` has it; it never changes."""
    packed = storage.read_replay_bytes(find_episode(id))
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    content = packed if is_packed else unpacked(packed)
    response = HttpResponse(content, content_type="application/json")
    if is_packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def unpacked(packed: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(packed)) as file:
            return file.read(SIZE_LIMIT)
    except (OSError, EOFError, zlib.error):
        raise NotFound("This replay is damaged; its result is kept.") from None
