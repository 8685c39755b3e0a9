"""Episodes: one play each, and its replay."""

import gzip
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Router

from league import storage
from league.api.auth import ApiRequest
from league.api.matches import EpisodeOut
from league.api.routing import PUBLIC, answers
from league.errors import NotFound
from league.models import Episode

router = Router(tags=["episodes"])


def find_episode(episode_id: int) -> Episode:
    rows = Episode.objects.select_related("match__competition").prefetch_related("seats")
    episode = rows.filter(pk=episode_id).first()
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
    content = storage.read_replay_json(find_episode(id))
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    if is_packed:  # as fast as it goes: who asks twice has kept it
        content = gzip.compress(content, compresslevel=1, mtime=0)
    response = HttpResponse(content, content_type="application/json")
    if is_packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
