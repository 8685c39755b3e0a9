"""Whatever may sit in a seat becomes an Actor: a function, a name, source, a file, a URL …"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from evaluation.agent import Actor, Agent
from evaluation.errors import InvalidArgument, NotFound
from evaluation.source import SourceAgent
from evaluation.utils import read_file

SOURCE_HINT_LENGTH = 20
PATH_HINT_LENGTH = 100
ARCHIVES = (".zip", ".tar.gz")
EVERYWHERE = ("0.0.0.0/0", "::/0")


def seat_agent(
    raw: Any, builtin: Mapping[str, Callable[..., Any]], environment: str = "", debug: bool = False
) -> Actor | None:
    """An Actor for the seat; None stays None. Raises InvalidArgument, NotFound.

    environment: its name, which a remote agent is told.
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        return _from_text(raw, builtin, environment, debug)
    if callable(raw):
        return Agent(raw, debug)
    if isinstance(raw, os.PathLike):
        return _from_text(os.fspath(raw), builtin, environment, debug)
    return raw if isinstance(raw, Actor) else Agent(lambda: raw, debug)


def is_url(text: str) -> bool:
    """Whether it names an agent on a server."""
    return text.startswith(("http://", "https://"))


def _from_text(
    text: str, builtin: Mapping[str, Callable[..., Any]], environment: str, debug: bool
) -> Actor:
    if text in builtin:
        return _built_in(builtin[text], debug)
    if is_url(text):
        return _remote(text, environment)
    if text.lower().endswith(ARCHIVES) and os.path.isfile(text):
        return Agent(_packed(text), debug)
    if os.path.isdir(text):
        text = os.path.join(text, "main.py")
    if os.path.exists(text):
        return Agent(SourceAgent(read_file(text), text), debug)
    looks_like_path = len(text) < PATH_HINT_LENGTH and ("/" in text or "\\" in text)
    if len(text) < SOURCE_HINT_LENGTH or looks_like_path:
        raise NotFound(f"There is no built-in agent and no file named {text}.")
    return Agent(SourceAgent(text), debug)


def _built_in(agent: Callable[..., Any], debug: bool) -> Agent:
    """As in kaggle-environments, one with a memory has a `reset`, called for each episode."""
    reset = getattr(agent, "reset", None)
    if callable(reset):
        reset()
    return Agent(agent, debug)


def _remote(url: str, environment: str) -> Actor:
    """Whoever names a URL here asks from the own machine, so it may be anywhere."""
    from evaluation.url_agent import UrlAgent

    try:
        return UrlAgent(url, environment=environment, allow=EVERYWHERE)
    except ValueError as error:
        raise InvalidArgument(str(error)) from None


def _packed(path: str) -> SourceAgent:
    """The main.py of an archive, unpacked as the league does, for as long as the agent lives."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from evaluation.bundle import BundleError, unpack

    folder = TemporaryDirectory(prefix="agent-")
    try:
        main = unpack(Path(path), path, Path(folder.name) / "agent")
    except BundleError as error:
        raise InvalidArgument(str(error)) from None
    return SourceAgent(read_file(main), str(main), folder)
