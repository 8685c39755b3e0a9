"""Sessions: places of inputs, time limits, slots, quota, and that nothing outlives them."""

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.kaggle_service import Account, KaggleService
from tests.kaggle_service.clients import call, client, push
from tests.processes import is_running

pytestmark = pytest.mark.kaggle

LIST_INPUTS = """
import json, os, pathlib
root = pathlib.Path(os.environ["PALAESTRA_KAGGLE_ROOT"])
found = {str(p.relative_to(root / "input")): p.read_text()
         for p in root.rglob("input/**/*") if p.is_file()}
print(json.dumps([found, os.environ["KAGGLE_KERNEL_RUN_TYPE"], str(pathlib.Path.cwd())]))
"""
# Tells of SIGTERM in a file, and of being up by its first line.
SLEEPER = """
import signal, sys, time
def tell(*_):
    open("warned", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, tell)
open("kept", "w").close()
time.sleep(60)
"""


def told(service: KaggleService, version: int = 0) -> Any:
    session = service.session("alice/first-steps", version)
    assert session.wait()
    return json.loads(session.log.text)


def status(service: KaggleService) -> dict[str, Any]:
    where = {"userName": "alice", "kernelSlug": "first-steps"}
    return call(service, "GetKernelSessionStatus", **where)


def names_of_output(service: KaggleService) -> list[str]:
    where = {"userName": "alice", "kernelSlug": "first-steps"}
    return [file["fileName"] for file in call(service, "ListKernelSessionOutput", **where)["files"]]


@pytest.mark.parametrize(
    ("layout", "place"),
    [("classic", "resume-of-7"), ("owner", "datasets/alice/resume-of-7")],
)
def test_datasets_are_inputs_in_either_layout(
    service: KaggleService, tmp_path: Path, layout: Any, place: str
) -> None:
    service.options.layout = layout
    service.add_dataset("alice/resume-of-7", {"marker.json": b"1"})
    service.add_dataset("alice/resume-of-7", {"marker.json": b"2"})
    code = f"""
api.authenticate()
answer = push({LIST_INPUTS!r}, dataset_sources=["alice/resume-of-7/2", "alice/nothing"])
result = [answer.error, answer.invalid_dataset_sources, ended()]
"""
    assert client(service, tmp_path, code) == ["", ["alice/nothing"], "COMPLETE"]
    found, kind, cwd = told(service)
    assert found == {f"{place}/marker.json": "2"}
    assert kind == "Batch"
    assert cwd == str(service.session("alice/first-steps").working)
    (file,) = service.session("alice/first-steps").plan.root.rglob("marker.json")
    assert file.stat().st_mode & 0o222 == 0


def test_pinned_version_is_mounted_unless_pins_are_ignored(service: KaggleService) -> None:
    for content in (b"1", b"2"):
        service.add_dataset("alice/resume-of-7", {"marker.json": content})
    for pins in (True, False):
        service.options.pins_datasets = pins
        push(service, LIST_INPUTS, datasetDataSources=["alice/resume-of-7/1"])
    assert [told(service, n)[0] for n in (1, 2)] == [
        {"resume-of-7/marker.json": "1"},
        {"resume-of-7/marker.json": "2"},
    ]


def test_version_that_is_not_ready_leaves_the_older_one_or_none(service: KaggleService) -> None:
    service.options.dataset_delay_s = 60
    service.add_dataset("alice/others-of-7", {"marker.json": b"1"})
    service.options.dataset_delay_s = 0
    service.add_dataset("alice/resume-of-7", {"marker.json": b"1"})
    service.options.dataset_delay_s = 60
    service.add_dataset("alice/resume-of-7", {"marker.json": b"2"})
    sources = ["alice/resume-of-7/2", "alice/others-of-7/1"]
    answer = push(service, LIST_INPUTS, datasetDataSources=sources)
    assert answer["invalidDatasetSources"] == ["alice/others-of-7/1"]
    assert told(service)[0] == {"resume-of-7/marker.json": "1"}


@pytest.mark.parametrize(("word", "keeps"), [("ERROR", True), ("CANCEL_ACKNOWLEDGED", False)])
def test_session_out_of_time_is_killed_without_warning(
    service: KaggleService, word: Any, keeps: bool
) -> None:
    service.options.timeout_status = word
    service.options.keeps_output_of_timeout = keeps
    push(service, SLEEPER, sessionTimeoutSeconds=1)
    service.session("alice/first-steps").wait()
    assert status(service)["status"] == word
    assert "longer" in status(service)["failureMessage"]
    assert names_of_output(service) == (["kept"] if keeps else [])


def test_session_out_of_time_may_be_warned(service: KaggleService) -> None:
    service.options.term_grace_s = 10
    service.options.session_limit_s = 0.5  # caps what is asked for
    push(service, SLEEPER, sessionTimeoutSeconds=3600)
    service.session("alice/first-steps").wait()
    assert status(service)["status"] == "ERROR"
    assert names_of_output(service) == ["kept", "warned"]


def test_output_of_an_error_may_be_lost(service: KaggleService) -> None:
    for keeps in (True, False):
        service.options.keeps_output_of_error = keeps
        push(service, "open('x', 'w').close(); raise SystemExit(1)")
        service.session("alice/first-steps").wait()
        assert names_of_output(service) == (["x"] if keeps else [])


def test_what_left_the_group_ends_with_the_session(service: KaggleService) -> None:
    push(service, """
import subprocess
print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid)
""")  # fmt: skip
    pid = told(service)
    assert not is_running(pid)
    assert status(service)["status"] == "COMPLETE"


def test_nothing_lives_on_when_the_service_is_closed(tmp_path: Path) -> None:
    with KaggleService(tmp_path, {"alice": Account(key="key")}) as service:
        push(service, """
import os, subprocess, time
print(os.getpid(), subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
""")  # fmt: skip
        line = next(service.session("alice/first-steps").log.follow())
        pids = [int(word) for word in line["data"].split()]
        assert all(is_running(pid) for pid in pids)
    assert not any(is_running(pid) for pid in pids)


def test_person_on_the_site_may_cancel(service: KaggleService) -> None:
    push(service, "import time; time.sleep(60)")
    service.session("alice/first-steps").cancel()
    assert service.session("alice/first-steps").wait()
    assert status(service)["status"] == "CANCEL_ACKNOWLEDGED"
    service.options.camel_case_status = True
    assert status(service)["status"] == "cancelAcknowledged"


def test_session_queues_first(service: KaggleService) -> None:
    service.options.queue_s = 0.3
    push(service, "pass")
    assert status(service)["status"] == "QUEUED"
    service.session("alice/first-steps").wait()
    assert status(service)["status"] == "COMPLETE"


def test_sessions_at_once_are_limited_by_accelerator(
    service: KaggleService, tmp_path: Path
) -> None:
    service.options.slot_lag_s = 60
    code = """
api.authenticate()
titles = ["First thing", "Second thing", "Third thing"]
result = [push("import time; time.sleep(60)", title=t, acc="NvidiaTeslaT4").error for t in titles]
result.append(push("pass", title="Of the CPU").error)
"""
    full = "Maximum batch GPU session count of 2 reached."
    assert client(service, tmp_path, code) == ["", "", full, ""]
    service.session("alice/first-thing").cancel()
    service.session("alice/first-thing").wait()
    shape = {"machineShape": "NvidiaTeslaT4"}
    assert push(service, "pass", "Third thing", **shape)["error"] == full  # it still counts
    service.options.slot_lag_s = 0
    assert push(service, "pass", "Third thing", **shape)["versionNumber"] == 1


def test_accelerated_seconds_use_up_the_quota(service: KaggleService, tmp_path: Path) -> None:
    service.options.quota_s["gpu"] = 30 * 3600
    service.options.quota_resets_at = datetime(2026, 11, 28, tzinfo=UTC)
    service.accounts["alice"].used_s["gpu"] = 30 * 3600 - 0.2
    result = client(service, tmp_path, """
api.authenticate()
def view():
    q = api.quota_view()
    return [q.gpu_quota.time_used.total_seconds(), q.gpu_quota.total_time_allowed.total_seconds(),
            q.tpu_quota.time_used.total_seconds(), q.quota_refresh_time.isoformat()]
before = view()
push("import time; time.sleep(0.4)", acc="NvidiaTeslaT4"); ended()
refused = push("pass", acc="NvidiaTeslaT4")
result = [before, view(), refused.error, push("pass").version_number]
""")  # fmt: skip
    before, after, refusal, number = result
    assert before == [30 * 3600 - 0.2, 30 * 3600, 0, "2026-11-28T00:00:00"]
    assert 30 * 3600 + 0.1 < after[0] < 30 * 3600 + 30
    assert "Quota" in refusal
    assert number == 2  # the CPU has none


@pytest.mark.slow
def test_quota_may_not_be_told(service: KaggleService, tmp_path: Path) -> None:
    service.options.tells_quota = False
    code = "api.authenticate(); result = str(api.quota_view().gpu_quota)"
    assert client(service, tmp_path, code) == "None"


def test_two_versions_run_side_by_side(service: KaggleService) -> None:
    for _ in range(2):
        push(service, "import time; time.sleep(60)")
    sessions = [service.session("alice/first-steps", n) for n in (1, 2)]
    deadline = time.monotonic() + 10
    while [s.status for s in sessions] != ["RUNNING", "RUNNING"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [s.status for s in sessions] == ["RUNNING", "RUNNING"]


def test_exit_by_signal_is_an_error(service: KaggleService) -> None:
    push(service, f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})")
    service.session("alice/first-steps").wait()
    assert status(service)["status"] == "ERROR"
