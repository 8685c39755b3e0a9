"""Files of a kernel's output, from signed addresses: resumed where they break, checked for length.

Runs in the client's process only; the client's own download takes an error page for the file.
"""

import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import requests

from kaggle_bridge.backend import Refused, Trouble

PIECE_BYTES = 1 << 20
PAUSES_S = (0.0, 1.0, 3.0, 7.0)
Sleep = Callable[[float], None]


class _Again(Exception):
    """Another try may help."""


def checked_name(name: str) -> str:
    """A name from the service, if it stays in the folder it is meant for."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\0" in name:
        raise Refused(f"The output names a file outside its folder: {name[:100]!r}.")
    return str(PurePosixPath(name))


def fetch(url: str, path: Path, sleep: Sleep = time.sleep) -> None:
    """Raises Trouble where some tries did not bring the whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    problem, validator = "", ""
    for pause_s in PAUSES_S:
        sleep(pause_s)
        try:
            with _request(url, path, validator) as response:
                _check(response, path)
                validator = _validator(response)
                _store(response, path)
                return
        except (_Again, requests.RequestException) as error:
            problem = str(error) if isinstance(error, _Again) else "the connection broke"
    raise Trouble(f"{path.name} could not be fetched: {problem}.")


def _request(url: str, path: Path, validator: str) -> requests.Response:
    """From where the last try broke, if it is still the same file there."""
    headers = {"Accept-Encoding": "identity"}
    if validator and path.exists() and (size := path.stat().st_size):
        headers |= {"Range": f"bytes={size}-", "If-Range": validator}
    return requests.get(url, headers=headers, stream=True)


def _check(response: requests.Response, path: Path) -> None:
    status = response.status_code
    if status == 416:  # there is less of it now than we have
        path.unlink(missing_ok=True)
    if status not in (200, 206):
        raise _Again(f"its address answers {status}")


def _validator(response: requests.Response) -> str:
    tag = response.headers.get("ETag", "")
    return "" if tag.startswith("W/") else tag or response.headers.get("Last-Modified", "")


def _store(response: requests.Response, path: Path) -> None:
    """A length other than the one that was told is an error of urllib3."""
    with path.open("r+b" if response.status_code == 206 else "wb") as file:
        file.seek(_start(response, path))
        for piece in response.iter_content(PIECE_BYTES):
            file.write(piece)


def _start(response: requests.Response, path: Path) -> int:
    """Where these bytes belong."""
    if response.status_code != 206:
        return 0
    told = response.headers.get("Content-Range", "")
    size = path.stat().st_size
    if not told.startswith(f"bytes {size}-"):
        path.unlink()
        raise _Again("it answers with another part of the file")
    return size
