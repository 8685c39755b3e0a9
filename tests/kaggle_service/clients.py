"""The real client in a process of its own, and the bare protocol where no client is needed."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any

from tests.kaggle_service.service import KaggleService

SERVICES = {
    "SaveKernel": "kernels.KernelsApiService",
    "GetKernelSessionStatus": "kernels.KernelsApiService",
    "ListKernelSessionOutput": "kernels.KernelsApiService",
    "GetDatasetStatus": "datasets.DatasetApiService",
}
PRELUDE = """
import json, os, sys, time, pathlib, requests
from kaggle.api.kaggle_api_extended import KaggleApi
from kagglesdk.kernels.types import kernels_api_service as kernel_types

def push(text, title="First steps", kind="script", timeout=None, acc=None, **more):
    folder = pathlib.Path("pushed"); folder.mkdir(exist_ok=True)
    (folder / "code").write_text(text)
    slug = title.lower().replace(" ", "-")
    meta = {"id": f"alice/{slug}", "title": title, "code_file": "code", "language": "python",
            "kernel_type": kind, "is_private": True, "enable_internet": False, **more}
    (folder / "kernel-metadata.json").write_text(json.dumps(meta))
    return api.kernels_push(str(folder), timeout, acc)

def ended(ref="alice/first-steps"):
    while (status := api.kernels_status(ref).status.name) in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    return status

def labelled(kind, label, slug="first-steps"):
    request = getattr(kernel_types, f"Api{kind}Request")()
    request.user_name, request.kernel_slug, request.version_label = "alice", slug, label
    name = {"GetKernel": "get_kernel", "GetKernelSessionStatus": "get_kernel_session_status",
            "ListKernelSessionOutput": "list_kernel_session_output"}[kind]
    with api.build_kaggle_client() as kaggle:
        return getattr(kaggle.kernels.kernels_api_client, name)(request)

def dataset_folder(files, **meta):
    folder = pathlib.Path("data"); folder.mkdir(exist_ok=True)
    for old in folder.iterdir(): old.unlink()
    for name, text in files.items(): (folder / name).write_text(text)
    meta = {"id": "alice/resume-of-7", "title": "resume of 7", "licenses": [{"name": "CC0-1.0"}],
            **meta}
    (folder / "dataset-metadata.json").write_text(json.dumps(meta))
    return str(folder)

def attempt(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "ok"

api = KaggleApi()
"""


def client(service: KaggleService, folder: Path, code: str, **environ: str) -> Any:
    """What the code, run in a process with the real client, puts into `result`."""
    (folder / "home").mkdir(exist_ok=True)
    (folder / "tmp").mkdir(exist_ok=True)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        **(environ or service.environ()),
    }
    done = subprocess.run(
        [sys.executable, "-c", f"{PRELUDE}\n{code}\nprint('RESULT', json.dumps(result))"],
        cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("RESULT ")[2])


def call(service: KaggleService, name: str, account: str = "alice", **body: Any) -> dict[str, Any]:
    """One call of the protocol with the account's key; an error's body has a `code`."""
    secret = b64encode(f"{account}:{service.accounts[account].key}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/api/v1/{SERVICES[name]}/{name}",
        json.dumps(body).encode(),
        {"Authorization": f"Basic {secret}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


def push(service: KaggleService, text: str, title: str = "First steps", **more: Any) -> Any:
    """A script of alice's by the bare protocol."""
    slug = title.lower().replace(" ", "-")
    meta = {"slug": f"alice/{slug}", "newTitle": title, "language": "python"}
    return call(service, "SaveKernel", **meta, **{"kernelType": "script", "text": text} | more)
