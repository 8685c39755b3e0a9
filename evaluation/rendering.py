"""How an episode is shown: as text, as JSON, as a self-contained page, in a notebook."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evaluation import player
from evaluation.errors import InvalidArgument
from evaluation.outcome import summarize
from evaluation.registry import environments
from evaluation.utils import arity, read_file, structify

if TYPE_CHECKING:
    from evaluation.engine import Environment

MODES = ("json", "ansi", "human", "html", "ipython")


def render(env: "Environment", mode: str, options: Mapping[str, Any]) -> str | None:
    """The episode in one of the modes of `Environment.render`; raises InvalidArgument.

    options: `debug` (json is indented), and for html and ipython `step` to open at,
    `playing` or `autoplay`, `speed` (milliseconds a step), `controls`, `header`, and for ipython
    `width` and `height` in pixels or with a unit.
    """
    if mode == "json":
        is_debug = options.get("debug", env.debug)
        return json.dumps(env.toJSON(), sort_keys=True, indent=2 if is_debug else None)
    if mode == "html":
        return _page(env, mode, options)
    if mode == "ipython":
        from evaluation import notebook  # only there is IPython wanted

        notebook.show(_page(env, mode, options), options)
        return None
    if mode not in MODES:
        raise InvalidArgument(f"There is no render mode {mode!r}: use {', '.join(MODES)}.")
    text = str(_call(env.renderer, env.state, env))
    if mode == "ansi":
        return text
    print(text)
    return None


def _call(function: Any, *arguments: Any) -> Any:
    """Calls a function of an environment with as many of the arguments as it takes."""
    return function(*arguments[: arity(function)])


def _page(env: "Environment", mode: str, options: Mapping[str, Any]) -> str:
    env_json = env.toJSON()
    env_json["info"] = {"result": env.summary(), **env_json["info"]}
    data = _data(env, options)
    return player.page(env_json, drawing_of(env, mode), env_json["title"], data)


def _data(env: "Environment", options: Mapping[str, Any]) -> dict[str, str]:
    """The options as the player's data attributes. An episode that is over plays by itself."""
    is_playing = options.get("playing", options.get("autoplay", env.done))
    step = options.get("step", 0 if is_playing else len(env.steps) - 1)
    data = {"autoplay": "1" if is_playing else "", "step": str(step)}
    data |= {name: "0" for name in ("controls", "header") if not options.get(name, True)}
    if "speed" in options:
        data["step-ms"] = str(options["speed"])
    return data | {name: str(options[name]) for name in ("play", "seat") if name in options}


def page(env_json: dict[str, Any], drawing: str | None = None) -> str:
    """One self-contained page with the league's player. drawing: the game's, if not given."""
    if drawing is None:  # the replay stands in for the environment, which it is read like
        game = environments.game(env_json["name"])
        drawing = _text(_call(game.html_renderer, structify(env_json), "html"))
    info = {"result": summary(env_json), **env_json.get("info", {})}
    return player.page({**env_json, "info": info}, drawing, env_json["title"])


def drawing_of(env: "Environment", mode: str = "html") -> str:
    """What draws the environment in a browser, as `player.page` takes it; empty for none."""
    return _text(_call(env.html_renderer, env, mode))


def _text(drawing: Any) -> str:
    """What an html_renderer returned: text, nothing, or in a pair the path of a file."""
    if isinstance(drawing, tuple):
        return str(read_file(drawing[1]))
    return str(drawing or "")


def summary(env_json: dict[str, Any]) -> dict[str, Any]:
    """How the episode ended: `cause`, `winner` (a seat from 0, or None) and `decisive_step`."""
    name = env_json["name"]
    game = environments.game(name).summary if name in environments else None
    return summarize(env_json["steps"], env_json["configuration"], game)
