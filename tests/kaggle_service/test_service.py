"""Kernels by the real client: pushes, versions, status, output, log, notebooks."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kaggle_service import KaggleService
from tests.kaggle_service.clients import call, client

pytestmark = pytest.mark.kaggle


def test_pushed_script_runs_and_leaves_output_and_log(
    service: KaggleService, tmp_path: Path
) -> None:
    result = client(service, tmp_path, """
api.authenticate()
answer = push("import os; open('out.txt', 'w').write(os.getcwd()); print('hello')")
status = ended()
files, token = api.kernels_output("alice/first-steps", "out")
result = [answer.ref, answer.version_number, status, files, token,
          open("out/out.txt").read(), json.loads(api.kernels_logs("alice/first-steps"))]
""")  # fmt: skip
    ref, number, status, files, token, cwd, log = result
    assert (ref, number, status) == ("alice/first-steps", 1, "COMPLETE")
    assert [Path(file).name for file in files] == ["out.txt", "first-steps.log"]
    assert token == ""
    assert cwd == str(service.session(ref).working)
    assert [(line["stream_name"], line["data"]) for line in log] == [("stdout", "hello\n")]


def test_versions_keep_their_text_status_and_output(service: KaggleService, tmp_path: Path) -> None:
    result = client(service, tmp_path, """
api.authenticate()
push("open('one', 'w').close()"); ended()
second = push("raise SystemExit(3)"); ended()
names = [file.file_name for file in labelled("ListKernelSessionOutput", "v1").files]
states = [labelled("GetKernelSessionStatus", label) for label in ("v1", "v2")]
latest = api.kernels_status("alice/first-steps/1")
folder = api.kernels_pull("alice/first-steps/1", "pulled")
result = {"number": second.version_number, "names": names,
          "states": [[s.status.name, s.failure_message] for s in states],
          "latest": latest.status.name, "text": open(folder).read(),
          "current": labelled("GetKernel", "v1").metadata.current_version_number,
          "bare": attempt(labelled, "GetKernelSessionStatus", "1"),
          "mine": [[k.ref, k.current_version_number] for k in api.kernels_list(mine=True)]}
""")  # fmt: skip
    assert result["number"] == 2
    assert result["names"] == ["one"]
    assert result["states"] == [
        ["COMPLETE", ""],
        ["ERROR", "The script ended with exit code 3"],
    ]
    assert result["latest"] == "ERROR"  # 2.2.4 drops the version that is asked for
    assert result["text"] == "open('one', 'w').close()"
    assert result["current"] == 2
    assert "404" in result["bare"] or "not found" in result["bare"]
    assert result["mine"] == [["alice/first-steps", 2]]


@pytest.mark.slow
def test_service_may_speak_of_the_latest_version_only(
    service: KaggleService, tmp_path: Path
) -> None:
    service.options.honours_label = False
    result = client(service, tmp_path, """
api.authenticate()
push("pass"); ended()
push("raise SystemExit(3)"); ended()
result = labelled("GetKernelSessionStatus", "v1").status.name
""")  # fmt: skip
    assert result == "ERROR"


def test_output_of_more_than_a_page_comes_whole(service: KaggleService, tmp_path: Path) -> None:
    result = client(service, tmp_path, """
api.authenticate()
push('''
import pathlib
pathlib.Path("deep").mkdir()
for n in range(45): pathlib.Path(f"deep/file-{n:02}.txt").write_text(str(n))
''')
ended()
files, _ = api.kernels_output("alice/first-steps", "out")
page, token = api.kernels_output("alice/first-steps", "page", page_token=None, page_size=45)
result = [len(files), [pathlib.Path(f"out/deep/file-{n:02}.txt").read_text() for n in range(45)],
          len(page)]
""")  # fmt: skip
    count, contents, of_one_page = result
    assert contents == [str(n) for n in range(45)]
    assert count == of_one_page == 46  # and the log
    assert len(service.journal.of("ListKernelSessionOutput")) == 3 + 1


def test_output_is_resumed_by_range_unless_it_is_another_file(
    service: KaggleService, tmp_path: Path
) -> None:
    result = client(service, tmp_path, """
api.authenticate()
push("open('x', 'w').write('0123456789')"); ended()
url = labelled("ListKernelSessionOutput", "v1").files[0].url
whole = requests.get(url)
def part(start, **headers):
    answer = requests.get(url, headers={"Range": f"bytes={start}-", **headers})
    return [answer.status_code, answer.text, answer.headers.get("Content-Range", "")]
result = [[whole.status_code, whole.text, whole.headers["Accept-Ranges"]],
          part(7, **{"If-Range": whole.headers["ETag"]}),
          part(7, **{"If-Range": whole.headers["Last-Modified"]}),
          part(7, **{"If-Range": '"of another"'}), part(10)[0]]
""")  # fmt: skip
    rest = [206, "789", "bytes 7-9/10"]
    assert result == [[200, "0123456789", "bytes"], rest, rest, [200, "0123456789", ""], 416]


def test_log_can_be_followed_while_it_runs_and_read_after(
    service: KaggleService, tmp_path: Path
) -> None:
    result = client(service, tmp_path, """
api.authenticate()
push('''
import pathlib, sys, time
print("first", flush=True)
while not pathlib.Path("go").exists(): time.sleep(0.02)
print("last", file=sys.stderr)
''')
live, seen = api.kernels_logs_stream("alice/first-steps"), []
while api.kernels_status("alice/first-steps").status.name == "QUEUED": time.sleep(0.02)
for event in live:
    seen.append([event["stream_name"], event["data"]])
    state = [api.kernels_status("alice/first-steps").status.name,
             api.kernels_logs("alice/first-steps")]
    if len(seen) == 1:
        running = state
        open(f"kaggle/sessions/alice/first-steps/v1/working/go", "w").close()
ended()
after = [[e["stream_name"], e["data"]] for e in api.kernels_logs_stream("alice/first-steps")]
result = [seen, running, after]
""")  # fmt: skip
    seen, running, after = result
    assert seen == after == [["stdout", "first\n"], ["stderr", "last\n"]]
    assert running == ["RUNNING", ""]


def test_log_and_output_of_a_running_session_are_told_where_wanted(service: KaggleService) -> None:
    from tests.kaggle_service.clients import push

    push(service, "import time; open('x', 'w').close(); print('up', flush=True); time.sleep(60)")
    session = service.session("alice/first-steps")
    next(session.log.follow())
    where = {"userName": "alice", "kernelSlug": "first-steps"}
    hidden = call(service, "ListKernelSessionOutput", **where)
    service.options.shows_log_while_running = True
    service.options.shows_output_while_running = True
    shown = call(service, "ListKernelSessionOutput", **where)
    assert (hidden["files"], hidden["log"]) == ([], "")
    assert [file["fileName"] for file in shown["files"]] == ["x"]
    assert json.loads(shown["log"])[0]["data"] == "up\n"


def test_notebook_runs_its_code_cells_in_order(service: KaggleService, tmp_path: Path) -> None:
    result = client(service, tmp_path, """
api.authenticate()
def cell(kind, *lines): return {"cell_type": kind, "source": list(lines), "metadata": {}}
book = {"cells": [cell("markdown", "# Title"), cell("code", "a = 1\\n", "b = a + 1"),
                  cell("code", "print(__name__, a, b, '__file__' in globals())"),
                  cell("code", "import sys; sys.exit(CODE)"), cell("code", "print('never')")],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
result = []
for code in ("0", "2"):
    push(json.dumps(book).replace("CODE", code), title="A notebook", kind="notebook")
    result.append([ended("alice/a-notebook"), json.loads(api.kernels_logs("alice/a-notebook"))])
""")  # fmt: skip
    printed = "__main__ 1 2 False\n"
    assert [(status, [line["data"] for line in log]) for status, log in result] == [
        ("COMPLETE", [printed]),
        ("ERROR", [printed]),
    ]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"slug": "bob/first-steps"}, "Notebook not found"),
        ({"newTitle": ""}, "Notebook not found"),
        ({"id": 5}, "Notebook not found"),
        ({"newTitle": "x" * 51}, "between 5 and 50"),
        ({"text": "#" * 1_000_001}, "too large"),
    ],
)
def test_refused_push_tells_why_and_runs_nothing(
    service: KaggleService, request_: dict[str, Any], error: str
) -> None:
    meta = {"slug": "alice/first-steps", "newTitle": "First steps", "kernelType": "script"}
    answer = call(service, "SaveKernel", **meta | {"text": "pass"} | request_)
    assert error in answer["error"]
    assert not service.store.kernels


def test_title_makes_the_slug(service: KaggleService) -> None:
    answer = call(
        service, "SaveKernel", slug="alice/one-thing", newTitle="Another, thing", text="pass",
        kernelType="script",
    )  # fmt: skip
    assert answer["ref"] == "alice/another-thing"
