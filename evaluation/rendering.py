"""How an episode is shown: as text, as JSON, as a self-contained page."""

import json
from typing import TYPE_CHECKING, Any

from evaluation import player
from evaluation.errors import InvalidArgument
from evaluation.outcome import summarize
from evaluation.registry import environments
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
    return page(env_json, str(env.html_renderer(*(env, "html")[: arity(env.html_renderer)])))


def page(env_json: dict[str, Any], renderer_js: str | None = None) -> str:
    """One self-contained page with the league's player. renderer_js: the game's, if not given."""
    if renderer_js is None:
        renderer_js = str(environments.game(env_json["name"]).html_renderer())
    info = {"result": summary(env_json), **env_json.get("info", {})}
    return player.page({**env_json, "info": info}, renderer_js, env_json["title"])


def summary(env_json: dict[str, Any]) -> dict[str, Any]:
    """How the episode ended: `cause`, `winner` (a seat from 0, or None) and `decisive_step`."""
    name = env_json["name"]
    game = environments.game(name).summary if name in environments else None
    return summarize(env_json["steps"], env_json["configuration"], game)
