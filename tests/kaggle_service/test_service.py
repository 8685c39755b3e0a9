"""The service against the real client, in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kaggle_service import Account, KaggleService

pytestmark = pytest.mark.kaggle

PRELUDE = """
import json, os, sys, time, pathlib
from kaggle.api.kaggle_api_extended import KaggleApi
api = KaggleApi()
api.authenticate()

def push(folder, text, title="First steps", kind="script", timeout=None, **more):
    folder = pathlib.Path(folder); folder.mkdir(exist_ok=True)
    (folder / "code").write_text(text)
    slug = title.lower().replace(" ", "-")
    meta = {"id": f"alice/{slug}", "title": title, "code_file": "code", "language": "python",
            "kernel_type": kind, "is_private": True, "enable_internet": False, **more}
    (folder / "kernel-metadata.json").write_text(json.dumps(meta))
    return api.kernels_push(str(folder), timeout)

def ended(ref):
    while (status := api.kernels_status(ref).status.name) in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    return status
"""


def client(service: KaggleService, folder: Path, code: str, **environ: str) -> Any:
    """What the code, run in a process with the real client, puts into `result`."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"),
        **service.environ(), **environ,
    }  # fmt: skip
    script = f"{PRELUDE}\n{code}\nprint('RESULT', json.dumps(result))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("RESULT ")[2])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KaggleService]:
    accounts = {"alice": Account(key="alice-key", token="alice-token"), "bob": Account(key="b")}
    with KaggleService(tmp_path / "kaggle", accounts) as service:
        yield service


def test_pushed_script_runs_and_leaves_output_and_log(
    service: KaggleService, tmp_path: Path
) -> None:
    result = client(
        service,
        tmp_path,
        """
answer = push("k", "import os; open('out.txt', 'w').write(os.getcwd()); print('hello')")
status = ended("alice/first-steps")
files, token = api.kernels_output("alice/first-steps", "out")
result = [answer.ref, answer.version_number, status, files, token,
          open("out/out.txt").read(), json.loads(api.kernels_logs("alice/first-steps"))]
""",
    )
    ref, number, status, files, token, cwd, log = result
    assert (ref, number, status) == ("alice/first-steps", 1, "COMPLETE")
    assert [Path(file).name for file in files] == ["out.txt", "first-steps.log"]
    assert token == ""
    assert cwd == str(service.session(ref).working)
    assert [(line["stream_name"], line["data"]) for line in log] == [("stdout", "hello\n")]
