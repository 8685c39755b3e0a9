"""How an episode is shown: as text, as JSON, as a self-contained page."""

import json
from typing import TYPE_CHECKING, Any

from evaluation import replay
from evaluation.errors import InvalidArgument
from evaluation.utils import arity

if TYPE_CHECKING:
    from evaluation.engine import Environment


def render(env: "Environment", mode: str, options: dict[str, Any]) -> str | None:
    """The episode in one of the modes of `Environment.render`; raises InvalidArgument."""
    if mode == "json":
        return json.dumps(env.toJSON(), sort_keys=True)
    if mode == "html":
        return _page(env)
    if mode not in {"ansi", "human"}:
        raise InvalidArgument(f"There is no render mode {mode!r}: use html, json or ansi.")
    text = _text(env)
    if mode == "ansi":
        return text
    print(text)
    return None


def _text(env: "Environment") -> str:
    return str(env.renderer(*(env.state, env)[: arity(env.renderer)]))


def _page(env: "Environment") -> str:
    env_json = env.toJSON()
    env_json["info"] = {"result": env.summary(), **env_json["info"]}
    return replay.html(env_json, str(env.html_renderer(*(env, "html")[: arity(env.html_renderer)])))
