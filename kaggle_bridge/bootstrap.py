"""Unpacks what a kernel carries and runs it. The text of this file is part of every kernel.

Standard library alone, and nothing that Python 3.10 could not read: it says so itself if the Python
there is too old for what it carries.
"""

import base64
import hashlib
import json
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BEGAN = time.monotonic()
LEAST_PYTHON = (3, 11)


def run(order: str, order_sha256: str, archive: str, archive_sha256: str) -> int:
    """Exit code of the session. order: JSON. archive: JSON of texts by name, xz, base85."""
    if digest_of(order.encode()) != order_sha256:
        return refuse({}, "The order of this kernel has been changed since it was sent.")
    told = json.loads(order)
    if sys.version_info < LEAST_PYTHON:
        wanted = ".".join(map(str, LEAST_PYTHON))
        return refuse(told, f"Python {wanted} is needed, and this is {sys.version.split()[0]}.")
    packed = base64.b85decode("".join(archive.split()))
    if digest_of(packed) != archive_sha256:
        return refuse(told, "The code of this kernel has been changed since it was sent.")
    place = tempfile.mkdtemp(prefix="palaestra-")
    try:
        unpack(json.loads(lzma.decompress(packed)), os.path.join(place, "code"))
        path = os.path.join(place, "order.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(order)
        return train(place, path)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def unpack(files: "dict[str, str]", folder: str) -> None:
    for name, text in files.items():
        path = os.path.join(folder, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)


def train(place: str, order_path: str) -> int:
    """Runs the session, and passes on what it prints: a notebook shows no output but its own."""
    paths = [os.path.join(place, "code"), os.environ.get("PYTHONPATH", "")]
    child = subprocess.Popen(
        [sys.executable, "-m", "training.session", order_path, "--began", str(BEGAN)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {each: signal.signal(each, lambda n, frame: child.send_signal(n)) for each in numbers}
    try:
        for line in child.stdout or ():
            show(line.decode("utf-8", "replace"))
        code = child.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    return 128 - code if code < 0 else code


def show(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        pass  # nobody reads any more; the session goes on


def refuse(order: "dict[str, object]", reason: str) -> int:
    """Leaves what a session that is refused leaves."""
    event = {"kind": "end", "state": "refused", "reason": reason, "step": 0}
    show("palaestra: " + json.dumps(event) + "\n")
    folder = os.path.join(os.environ.get("PALAESTRA_KAGGLE_ROOT", "/kaggle"), "working")
    os.makedirs(folder, exist_ok=True)
    result = {"state": "refused", "exit_code": 2, "reason": reason, "knob": "", "report": {}}
    written = write(folder, "result.json", result)
    manifest = {name: order.get(name) for name in ("run", "session", "token", "source_hash")}
    about = {"schema": 1, "state": "refused", "step": 0, "files": {"result.json": written}}
    write(folder, "manifest.json", {**manifest, **about})
    return 2


def write(folder: str, name: str, value: object) -> "dict[str, object]":
    content = json.dumps(value, indent=1).encode()
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)
    return {"size_bytes": len(content), "sha256": digest_of(content)}
