"""Whose calls to Kaggle these are: found in the environment or in a folder, never shown.

No Django: the client's process uses it too.
"""

import base64
import json
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

TOKEN, USERNAME, KEY = "KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"
LEGACY_FILE = "kaggle.json"
TOKEN_FILES = ("access_token", "access_token.txt")
HOW = (
    f"Set {TOKEN}, or {USERNAME} and {KEY} (each may be given as a file, by NAME_FILE), or put "
    f"{LEGACY_FILE} or access_token into"
)
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
HIDDEN = "[hidden]"
# A password that is shorter could be a part of any word.
LEAST_HIDDEN = 6


class CredentialsError(Exception):
    """One sentence: what is missing or wrong. Never a secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Credentials:
    """Either a token or a user name with its key. source: in words, for sentences.

    username: empty where only the service knows whose token it is. warning: of a file that
    others can read. others: secrets of proxies, which no sentence is to tell either.
    """

    username: str = ""
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    source: str = ""
    warning: str = ""
    others: tuple[str, ...] = field(default=(), repr=False)

    def hide(self, text: str) -> str:
        """Without the secrets."""
        pair = [_pair(self.username, self.key)] if self.key else []
        return _without(text, [self.key, self.token, *pair])

    def scrub(self, text: str) -> str:
        """Without what addresses carry and proxies are told, too: passwords, signatures."""
        text = re.sub(r"(\w://)[^\s/@]+@", r"\1", _without(self.hide(text), self.others))
        return re.sub(r"(\w://[^\s?'\"<>]+)\?[^\s'\"<>]+", r"\1", text)


def _pair(username: str, secret: str) -> str:
    """As basic authentication sends them (RFC 7617)."""
    return base64.b64encode(f"{username}:{secret}".encode()).decode()


def _without(text: str, secrets: Iterable[str]) -> str:
    """Each also in the form that addresses have it in, the longest first."""
    plain = [secret for secret in secrets if secret]
    forms = {form for secret in plain for form in (secret, quote(secret, safe=""))}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def find(environ: Mapping[str, str], data_dir: Path) -> Credentials:
    """From the environment, else the folder KAGGLE_CONFIG_DIR, else DATA_DIR/kaggle.

    Raises CredentialsError, which says exactly what is missing or wrong.
    """
    return replace(_find(environ, data_dir), others=_of_proxies(environ))


def _of_proxies(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the addresses of proxies tell that nobody is to know."""
    found = set()
    for name in PROXIES:
        try:
            parts = urlsplit(environ.get(name, ""))
        except ValueError:
            continue
        password = unquote(parts.password or "")
        if len(password) >= LEAST_HIDDEN:
            found |= {password, _pair(unquote(parts.username or ""), password)}
    return tuple(sorted(found))


def _find(environ: Mapping[str, str], data_dir: Path) -> Credentials:
    _check_address(environ)
    token, username, key = (_variable(environ, name) for name in (TOKEN, USERNAME, KEY))
    if token and key:
        raise CredentialsError(
            f"{TOKEN} and {KEY} are both set: unset one of them, so that it is clear whose calls "
            "these are."
        )
    if token:
        return _checked(Credentials(username, token=_of_path(token), source=TOKEN))
    if key:
        if not username:
            raise CredentialsError(f"{KEY} is set, but {USERNAME} is not.")
        return _checked(Credentials(username, key, source=f"{USERNAME} and {KEY}"))
    return _in_folder(environ, data_dir, username)


def _check_address(environ: Mapping[str, str]) -> None:
    place = environ.get("KAGGLE_API_ENVIRONMENT") or "PROD"
    if place not in ("PROD", "LOCALHOST"):
        raise CredentialsError(
            f"KAGGLE_API_ENVIRONMENT is {place!r}: Kaggle's client knows PROD and LOCALHOST, and "
            "would send everything else to the real service."
        )


def _variable(environ: Mapping[str, str], name: str) -> str:
    value, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if value and path:
        raise CredentialsError(f"Set {name} or {name}_FILE, not both.")
    return _read(Path(path), f"{name}_FILE, {path},") if path else value


def _of_path(token: str) -> str:
    """The client takes a path in place of the token, too."""
    if not token.startswith(("/", "~", ".")):
        return token
    path = Path(token).expanduser()
    return _read(path, f"{TOKEN} names a file that")


def _in_folder(environ: Mapping[str, str], data_dir: Path, username: str) -> Credentials:
    chosen = environ.get("KAGGLE_CONFIG_DIR", "").strip()
    folder = Path(chosen) if chosen else data_dir / "kaggle"
    found = _files(folder)
    if not found:
        raise CredentialsError(_nothing(environ, folder, username))
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise CredentialsError(f"{folder} holds {names}: keep only one of them.")
    path = found[0]
    text = _read(path, str(path))
    if path.name in TOKEN_FILES:
        credentials = Credentials(username, token=text, source=str(path))
    else:
        credentials = _legacy(path, text, username)
    return _checked(credentials, _warning(path))


def _files(folder: Path) -> list[Path]:
    """Those that are there; an unreadable folder is a fault, not an empty one."""
    try:
        present = {path.name for path in folder.iterdir()}
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise CredentialsError(f"{folder} cannot be read: {error.strerror}.") from None
    return [folder / name for name in (LEGACY_FILE, *TOKEN_FILES) if name in present]


def _nothing(environ: Mapping[str, str], folder: Path, username: str) -> str:
    sentence = f"There are no credentials for Kaggle. {HOW} {folder}."
    if username:
        sentence = f"{USERNAME} is set, but {KEY} is not. {sentence}"
    if environ.get("KAGGLE_TOKEN"):
        sentence += f" KAGGLE_TOKEN is not used: the name is {TOKEN}."
    return sentence + _unused(environ, folder)


def _unused(environ: Mapping[str, str], folder: Path) -> str:
    """Where the client itself would have looked."""
    home = Path(environ.get("HOME") or "/")
    for other in (home / ".kaggle", home / ".config" / "kaggle"):
        try:
            names = [] if other == folder else [path.name for path in _files(other)]
        except CredentialsError:
            continue
        if names:
            return (
                f" {other} holds {' and '.join(names)}, which is not used: set "
                f"KAGGLE_CONFIG_DIR={other} to use it."
            )
    return ""


def _legacy(path: Path, text: str, username: str) -> Credentials:
    try:
        stored = json.loads(text)
        name, key = stored["username"].strip(), stored["key"].strip()
    except (ValueError, TypeError, KeyError, AttributeError):
        name = key = ""
    if not (name and key):
        raise CredentialsError(f'{path} is not as Kaggle makes it: {{"username": …, "key": …}}.')
    if username and username != name:
        raise CredentialsError(f"{USERNAME} is {username}, but {path} is of {name}.")
    return Credentials(name, key, source=str(path))


def _read(path: Path, what: str) -> str:
    """what: how a complaint begins. No content is ever part of it."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CredentialsError(f"{what} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CredentialsError(f"{what} is not a text file.") from None
    if not text:
        raise CredentialsError(f"{what} is empty.")
    return text


def _warning(path: Path) -> str:
    if path.stat().st_mode & stat.S_IROTH:
        return f"{path} can be read by every user of this machine: chmod 600 {path}."
    return ""


def _checked(found: Credentials, warning: str = "") -> Credentials:
    """These go into HTTP headers and names: one word each, of plain characters."""
    if re.search(r"[^!-~]", found.token + found.key):
        raise CredentialsError(f"The secret of {found.source} is not one word of plain characters.")
    if not re.fullmatch(r"[\w.-]*", found.username):
        raise CredentialsError(f"The user name of {found.source} is not one that Kaggle gives.")
    return Credentials(found.username, found.key, found.token, found.source, warning)
