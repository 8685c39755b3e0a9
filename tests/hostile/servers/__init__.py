"""Hostile servers of URL agents: one function each, whose docstring says what must come out."""

import importlib
import pkgutil
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Handler = Callable[[socket.socket, bytes], None]

HEADER = re.compile(r"Tries: .+\. Must come out: (\w+)\.", re.DOTALL)
HOST = "agent.example"


@dataclass(frozen=True)
class Hostile:
    """A server and the surroundings that its attack needs.

    reads: whether the request is read before the handler is called. certificate: a key of
    CERTIFICATES in the tests, empty for plain HTTP. addresses: what the name is resolved to, one
    answer for each look-up, the last one repeated; none for the system's resolver.
    """

    handler: Handler
    expected: str
    reads: bool = True
    certificate: str = ""
    host: str = HOST
    addresses: Sequence[Sequence[str]] = field(default=(("127.0.0.1",),))
    is_allowed: bool = True
    is_quick: bool = False

    @property
    def name(self) -> str:
        return self.handler.__name__


FOUND: list[Hostile] = []


def hostile(**surroundings) -> Callable[[Handler], Handler]:
    """Enters a handler into the suite."""

    def enter(handler: Handler) -> Handler:
        header = HEADER.fullmatch(" ".join((handler.__doc__ or "").split()))
        assert header, f"{handler.__name__} has no header line"
        FOUND.append(Hostile(handler, header[1], **surroundings))
        return handler

    return enter


def all_servers() -> list[Hostile]:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return FOUND
