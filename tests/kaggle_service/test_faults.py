"""Each fault once, as the real client sees it."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.kaggle_service import Account, KaggleService
from tests.kaggle_service.clients import call, client, push
from tests.kaggle_service.faults import KINDS

pytestmark = pytest.mark.kaggle

# What kernels_list raises when a call meets them.
AT_ANY_CALL = {
    "429": "HTTPError: Too many requests",
    "429-nested": "HTTPError: 429 Client Error",
    "500": "HTTPError: Internal error",
    "503": "HTTPError: 503 Server Error",
    "401": "HTTPError: Unauthenticated",
    "403": "HTTPError: Permission was denied",
    "404": "HTTPError: Not found",
    "not-json": "JSONDecodeError",
    # urllib3 blames the proxy for what the service behind it does not answer.
    "hang": "ProxyError",
    "reset": "ProxyError",
    "lost": "ProxyError",
    "truncated": "ChunkedEncodingError",
    "slow": "ok",
    "version-header": "ok",
}
AT_ONE_CALL = {
    "unknown-status", "no-status", "missing-file", "no-log", "short", "corrupt", "invalid-source",
    "error-in-200",
}  # fmt: skip
OF_DATASETS = {"half", "failed-dataset", "unkept-dataset"}  # test_datasets.py


def test_every_kind_is_tried() -> None:
    assert AT_ANY_CALL.keys() | AT_ONE_CALL | OF_DATASETS == KINDS


def test_any_call_may_meet_them(service: KaggleService, tmp_path: Path) -> None:
    for kind in AT_ANY_CALL:
        service.faults.add("ListKernels", kind, seconds=0.1)
    code = f"""
api.authenticate()
result = [attempt(api.kernels_list, mine=True) for _ in {list(AT_ANY_CALL)!r}]
"""
    result = client(service, tmp_path, code)
    wrong = [
        (kind, text)
        for (kind, start), text in zip(AT_ANY_CALL.items(), result, strict=True)
        if not text.startswith(start)
    ]
    assert not wrong
    assert not service.faults.pending
    assert [entry.fault for entry in service.journal.of("ListKernels")] == list(AT_ANY_CALL)


def test_newer_version_is_printed_by_the_client(service: KaggleService, tmp_path: Path) -> None:
    service.faults.add("ListKernels", "version-header")
    result = client(service, tmp_path, """
import contextlib, io
api.authenticate()
with contextlib.redirect_stdout(io.StringIO()) as out: api.kernels_list(mine=True)
result = out.getvalue()
""")  # fmt: skip
    assert "outdated" in result


def test_retry_after_is_told(service: KaggleService, tmp_path: Path) -> None:
    for kind in ("429", "429-nested"):
        service.faults.add("ListKernels", kind, seconds=7)
    result = client(service, tmp_path, """
api.authenticate()
result = []
for _ in range(2):
    try: api.kernels_list(mine=True)
    except requests.HTTPError as error: result.append(error.response.headers["Retry-After"])
""")  # fmt: skip
    assert result == ["7", "7"]


@pytest.mark.parametrize(
    ("kind", "when", "versions"),
    [("reset", "before", 0), ("reset", "after", 1), ("lost", "before", 1), ("500", "after", 1)],
)
def test_push_has_its_effect_or_not(
    service: KaggleService, kind: str, when: Any, versions: int
) -> None:
    service.faults.add("SaveKernel", kind, when=when)
    with contextlib.suppress(OSError):
        push(service, "pass")
    assert len(service.store.kernels) == versions
    assert push(service, "pass")["versionNumber"] == versions + 1


def test_statuses_may_be_unknown_or_missing(service: KaggleService, tmp_path: Path) -> None:
    service.add_dataset("alice/resume-of-7", {"x": b"1"})
    push(service, "pass")
    service.session("alice/first-steps").wait()
    service.faults.add("GetKernelSessionStatus", "unknown-status")
    service.faults.add("GetKernelSessionStatus", "no-status")
    service.faults.add("GetDatasetStatus", "unknown-status")
    result = client(service, tmp_path, """
api.authenticate()
result = [attempt(api.kernels_status, "alice/first-steps"),
          api.kernels_status("alice/first-steps").status.name,
          attempt(api.dataset_status, "alice/resume-of-7")]
""")  # fmt: skip
    assert result == ["KeyError: 'PONDERING'", "QUEUED", "KeyError: 'PONDERING'"]


def test_output_may_lack_a_file_or_hold_a_bad_one(service: KaggleService, tmp_path: Path) -> None:
    push(service, """
for name in ("manifest.json", "a", "b", "c"): open(name, "w").write("0123456789")
""")  # fmt: skip
    service.session("alice/first-steps").wait()
    service.faults.add("ListKernelSessionOutput", "missing-file")
    service.faults.add("ListKernelSessionOutput", "missing-file", skip=1, name="c")
    service.faults.add("Download", "corrupt", name="a")
    service.faults.add("Download", "short", name="b")
    service.faults.add("Download", "truncated", name="c")
    result = client(service, tmp_path, """
api.authenticate()
def output(folder):
    told = attempt(api.kernels_output, "alice/first-steps", folder)
    return [told.partition(":")[0],
            {p.name: p.read_bytes().hex() for p in pathlib.Path(folder).iterdir()
             if p.suffix != ".log"}]
result = [output("one"), output("two"), output("three")]
""")  # fmt: skip
    good = b"0123456789".hex()
    first, second, third = result
    assert first[0] == "ChunkedEncodingError"
    assert first[1] == {"a": b"01234\xca6789".hex(), "b": b"01234".hex(), "c": ""}
    assert second == ["ok", dict.fromkeys(("manifest.json", "a", "b", "c"), good)]
    assert third == ["ok", dict.fromkeys(("manifest.json", "a", "b"), good)]


@pytest.mark.slow
def test_truncated_download_is_resumed_where_the_client_can(
    service: KaggleService, tmp_path: Path
) -> None:
    """It resumes by whole MiB, two seconds later."""
    push(service, "open('x', 'wb').write(bytes(range(256)) * 16384)")
    service.session("alice/first-steps").wait()
    service.faults.add("Download", "truncated")
    result = client(service, tmp_path, """
api.authenticate()
url = labelled("ListKernelSessionOutput", "v1").files[0].url
api.download_file(requests.get(url, stream=True), "here/x", None, resume=True)
result = pathlib.Path("here/x").read_bytes() == bytes(range(256)) * 16384
""")  # fmt: skip
    assert result is True
    assert [entry.status for entry in service.journal.of("Download")] == [200, 206]


def test_log_may_be_empty_though_it_has_ended(service: KaggleService) -> None:
    push(service, "print('hello')")
    service.session("alice/first-steps").wait()
    service.faults.add("ListKernelSessionOutput", "no-log")
    where = {"userName": "alice", "kernelSlug": "first-steps"}
    logs = [call(service, "ListKernelSessionOutput", **where)["log"] for _ in range(2)]
    assert [len(log) > 0 for log in logs] == [False, True]


def test_valid_source_may_be_told_invalid_and_the_version_runs_without_it(
    service: KaggleService,
) -> None:
    service.add_dataset("alice/resume-of-7", {"x": b"1"})
    service.faults.add("SaveKernel", "invalid-source")
    source = {"datasetDataSources": ["alice/resume-of-7"]}
    code = "import os; print(os.listdir('../input'))"
    answers = [push(service, code, **source) for _ in range(2)]
    sessions = [service.session("alice/first-steps", number) for number in (1, 2)]
    assert all(session.wait() for session in sessions)
    assert [answer["invalidDatasetSources"] for answer in answers] == [["alice/resume-of-7"], []]
    assert [session.log.text for session in sessions] == ["[]\n", "['resume-of-7']\n"]


def test_push_may_be_refused_in_an_answer_of_200(service: KaggleService, tmp_path: Path) -> None:
    service.faults.add("SaveKernel", "error-in-200", message="Maximum of anything reached")
    code = "api.authenticate(); answer = push('pass'); result = [answer.error, answer.ref]"
    assert client(service, tmp_path, code) == ["Maximum of anything reached", ""]
    assert not service.store.kernels


def test_fault_strikes_as_often_and_late_as_ordered_and_whom(service: KaggleService) -> None:
    fault = service.faults.add("GetKernelSessionStatus", "404", 2, skip=1, account="alice")
    push(service, "pass", isPrivate=False)
    where = {"userName": "alice", "kernelSlug": "first-steps"}
    codes = [
        call(service, "GetKernelSessionStatus", account, **where).get("code", 200)
        for account in ("bob", "alice", "alice", "bob", "alice", "alice")
    ]
    assert codes == [200, 200, 404, 200, 404, 200]
    assert fault.is_spent


def test_unknown_fault_is_refused(service: KaggleService) -> None:
    with pytest.raises(ValueError, match="no fault 'nonsense'"):
        service.faults.add("SaveKernel", "nonsense")


def test_silence_ends_with_the_service(tmp_path: Path) -> None:
    with KaggleService(tmp_path, {"alice": Account(key="key")}) as service:
        service.faults.add("SaveKernel", "hang", seconds=60)
        asking = ThreadPoolExecutor().submit(push, service, "pass")
        while not service.journal.of("SaveKernel"):
            time.sleep(0.01)
    with pytest.raises(OSError, match="without response"):
        asking.result(10)
    assert not service.store.kernels
