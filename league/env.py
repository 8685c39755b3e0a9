"""Configuration from the environment; a wrong value stops the start with one clear sentence."""

import os
import re
import secrets
import tempfile
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool = False) -> bool:
    value = env_str(name, str(default)).lower()
    if value not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be on or off, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def env_int(name: str, default: int, low: int, high: int) -> int:
    value = env_str(name, str(default))
    if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
        raise ImproperlyConfigured(
            f"{name} must be a whole number from {low} to {high}, not {value!r}."
        )
    return int(value)


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env_str(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    return [part.strip() for part in env_str(name, default).split(",") if part.strip()]


def env_secret(name: str, default: str = "") -> str:
    """The value of NAME, or the content of the file that NAME_FILE names."""
    path = env_str(f"{name}_FILE")
    if not path:
        return env_str(name, default)
    if env_str(name):
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from None


def env_url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """The value itself is never in the complaint: it may hold a password."""
    value = env_secret(name, default)
    try:
        parts = urlsplit(value)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        has_port = False
    if not has_port:
        raise ImproperlyConfigured(f"{name} must name a port from 1 to 65535, or none.")
    if value and (parts.scheme not in schemes or "://" not in value):
        starts = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must start with {starts}.")
    return value


def env_site_url(name: str, default: str) -> str:
    """Scheme, host and port only: the site is served from the root of its host."""
    value = env_url(name, default, ("http", "https")).rstrip("/")
    parts = urlsplit(value)
    if not parts.hostname or f"{parts.scheme}://{parts.netloc}" != value or "@" in value:
        raise ImproperlyConfigured(
            f"{name} must be like https://league.example.org, not {value!r}."
        )
    return value


def env_networks(name: str) -> list[str]:
    """Comma-separated `network[:port]`; an IPv6 network with a port stands in brackets."""
    entries = env_list(name)
    for entry in entries:
        if not is_network(entry):
            raise ImproperlyConfigured(
                f"{name} must list networks such as 10.1.0.0/16 or 127.0.0.1:9000, not {entry!r}."
            )
    return entries


def is_network(entry: str) -> bool:
    match = re.fullmatch(r"\[(?P<six>[^]]+)\](?::(\d+))?|(?P<four>[^:]+)(?::(\d+))?", entry)
    network, ports = (match["six"] or match["four"], match.group(2, 4)) if match else (entry, ())
    try:
        ip_network(network, strict=False)
    except ValueError:
        return False
    return all(0 < int(port) < 65536 for port in ports if port)


def bracketed(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def generated_secret(path: Path) -> str:
    """A secret made on first use and kept in a file that only its owner reads."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".secret-")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        # A link appears whole or not at all: of two processes that start at once, one wins.
        with suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text(encoding="ascii").strip()
