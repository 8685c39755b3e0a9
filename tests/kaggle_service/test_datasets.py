"""Datasets and uploads by the real client."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.kaggle_service import KaggleService
from tests.kaggle_service.clients import client

pytestmark = pytest.mark.kaggle


def test_dataset_is_created_and_gets_versions(service: KaggleService, tmp_path: Path) -> None:
    result = client(service, tmp_path, """
api.authenticate()
def state():
    return json.loads(api.dataset_status("alice/resume-of-7", format="json"))
free = attempt(api.dataset_status, "alice/resume-of-7")
first = api.dataset_create_new(dataset_folder({"a.txt": "one", "empty": ""}), quiet=True)
states = [state()]
second = api.dataset_create_version(dataset_folder({"b.txt": "four"}), "next", quiet=True)
states.append(state())
again = api.dataset_create_new(dataset_folder({"b.txt": "four"}), quiet=True)
def files(ref): return [[f.name, f.total_bytes] for f in api.dataset_list_files(ref).files]
result = {"free": free, "first": [first.status, first.ref, first.error],
          "second": second.status, "states": states, "again": [again.status, again.error],
          "files": [files("alice/resume-of-7"), files("alice/resume-of-7/1")]}
""")  # fmt: skip
    assert "datasets.get" in result["free"]
    assert result["first"] == ["Ok", "alice/resume-of-7", ""]
    assert result["second"] == "Ok"
    assert result["states"] == [
        {"status": "ready", "current_version_number": 1},
        {"status": "ready", "current_version_number": 2},
    ]
    assert result["again"][0] == "error"
    assert "already in use" in result["again"][1]
    assert result["files"] == [[["b.txt", 4]], [["a.txt", 3], ["empty", 0]]]
    assert service.store.datasets["alice/resume-of-7"].is_private


def test_lists_of_files_come_in_pages(service: KaggleService, tmp_path: Path) -> None:
    service.add_dataset("alice/resume-of-7", {f"{n:02}": b"x" for n in range(25)})
    result = client(service, tmp_path, """
api.authenticate()
page = api.dataset_list_files("alice/resume-of-7")
rest = api.dataset_list_files("alice/resume-of-7", page_token=page.next_page_token)
result = [[f.name for f in p.files] for p in (page, rest)] + [rest.next_page_token]
""")  # fmt: skip
    names = [f"{n:02}" for n in range(25)]
    assert result == [names[:20], names[20:], ""]


@pytest.mark.parametrize("counts", ["created", pytest.param("ready", marks=pytest.mark.slow)])
def test_version_passes_through_its_statuses(
    service: KaggleService, tmp_path: Path, counts: Any
) -> None:
    service.add_dataset("alice/resume-of-7", {"x": b"1"})
    service.options.dataset_delay_s = 1.0
    service.options.counts_version_when = counts
    result = client(service, tmp_path, """
api.authenticate()
api.dataset_create_version(dataset_folder({"x": "2"}), "next", quiet=True)
seen = []
while not seen or seen[-1]["status"] != "ready":
    state = json.loads(api.dataset_status("alice/resume-of-7", format="json"))
    if state not in seen: seen.append(state)
    time.sleep(0.02)
result = seen
""")  # fmt: skip
    words = list(dict.fromkeys(state["status"] for state in result))
    assert words == [
        "blobs_received", "blobs_decompressed", "blobs_copied_to_sds",
        "individual_blobs_compressed", "ready",
    ]  # fmt: skip
    numbers = [state["current_version_number"] for state in result]
    assert numbers[0] == (2 if counts == "created" else 1)
    assert numbers[-1] == 2


def test_upload_that_breaks_off_is_resumed(service: KaggleService, tmp_path: Path) -> None:
    service.faults.add("Upload", "half")
    result = client(service, tmp_path, """
api.authenticate()
text = "0123456789" * 20000
answer = api.dataset_create_new(dataset_folder({"big.bin": text}), quiet=True)
result = answer.status
""")  # fmt: skip
    assert result == "Ok"
    assert [entry.status for entry in service.journal.of("Upload")] == [503, 308, 200]
    (path,) = service.store.datasets["alice/resume-of-7"].version(1).files
    assert path.read_text() == "0123456789" * 20000


def test_upload_of_a_dead_client_can_be_taken_up(service: KaggleService, tmp_path: Path) -> None:
    """The client's own state lies in TMPDIR; it asks what is there and sends the rest."""
    code = """
api.authenticate()
folder = pathlib.Path("data")
if not folder.exists(): dataset_folder({"big.bin": "0123456789" * 2000})
result = api.dataset_create_new(str(folder), quiet=True).status
"""
    service.faults.add("Upload", "half")
    service.faults.add("Upload", "hang", skip=1, seconds=0.05)
    service.faults.add("CreateDataset", "500")
    with pytest.raises(AssertionError, match="Internal error"):
        client(service, tmp_path, code)
    assert client(service, tmp_path, code) == "Ok"
    assert len(service.journal.of("StartBlobUpload")) == 1
    (path,) = service.store.datasets["alice/resume-of-7"].version(1).files
    assert path.read_text() == "0123456789" * 2000


@pytest.mark.slow
def test_archives_are_unpacked_into_a_folder(service: KaggleService, tmp_path: Path) -> None:
    result = client(service, tmp_path, """
api.authenticate()
folder = pathlib.Path(dataset_folder({"plain.txt": "x"}))
for name in ("first", "second"):
    (folder / name).mkdir(); (folder / name / "deep.txt").write_text(name)
results = []
for mode in ("zip", "tar", "skip"):
    create = api.dataset_create_version if results else api.dataset_create_new
    more = ["note"] if results else []
    create(str(folder), *more, quiet=True, dir_mode=mode)
    results.append(sorted(f.name for f in api.dataset_list_files("alice/resume-of-7").files))
result = results
""")  # fmt: skip
    unpacked = ["first/deep.txt", "plain.txt", "second/deep.txt"]
    assert result == [unpacked, unpacked, ["plain.txt"]]


def test_dataset_may_fail_or_never_come_to_be(service: KaggleService, tmp_path: Path) -> None:
    service.faults.add("CreateDataset", "failed-dataset")
    service.faults.add("CreateDatasetVersion", "unkept-dataset")
    result = client(service, tmp_path, """
api.authenticate()
api.dataset_create_new(dataset_folder({"x": "1"}), quiet=True)
failed = api.dataset_status("alice/resume-of-7")
answer = api.dataset_create_version(dataset_folder({"x": "2"}), "next", quiet=True)
result = [failed, answer.status,
          json.loads(api.dataset_status("alice/resume-of-7", format="json"))]
""")  # fmt: skip
    assert result == ["failed", "Ok", {"status": "failed", "current_version_number": 1}]


@pytest.mark.slow
def test_lost_reply_makes_the_client_create_two_versions(
    service: KaggleService, tmp_path: Path
) -> None:
    service.add_dataset("alice/resume-of-7", {"x": b"1"})
    service.faults.add("CreateDatasetVersion", "lost")
    started = time.monotonic()
    client(service, tmp_path, """
api.authenticate()
result = api.dataset_create_version(dataset_folder({"x": "2"}), "next", quiet=True).status
""")  # fmt: skip
    assert len(service.store.datasets["alice/resume-of-7"].versions) == 3
    assert time.monotonic() - started < 20
