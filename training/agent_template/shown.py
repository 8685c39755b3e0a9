"""What engines show: dictionaries or objects."""

from typing import Any


def read(source: Any, name: str, default: Any) -> Any:
    """An entry of a dictionary, or an attribute: engines show either."""
    try:
        found = source[name]
    except (KeyError, TypeError, AttributeError):
        found = getattr(source, name, None)
    return default if found is None else found
