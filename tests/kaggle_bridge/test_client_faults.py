"""Each call goes wrong in each way: what is said of it, and that nothing is done twice."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kaggle_bridge.backend import (
    BackendError,
    Missing,
    NoAccess,
    Refused,
    Trouble,
    Unsure,
)
from kaggle_bridge.backends.kaggle import KaggleBackend, Limits
from tests.kaggle_bridge.client_case import JOB, backend, dataset_folder, run_to_end, serving
from tests.kaggle_service import KaggleService

pytestmark = pytest.mark.kaggle

DATASET = "alice/resume-of-1"
QUICK = Limits(read_s=1.0)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KaggleService]:
    with serving(tmp_path) as service:
        yield service


@pytest.fixture
def place(service: KaggleService, tmp_path: Path) -> KaggleBackend:
    return backend(service, tmp_path, limits=QUICK)


def upload(place: KaggleBackend, folder: Path, is_new: bool) -> None:
    files = folder / "files"
    if not files.exists():
        dataset_folder(files, a="1" * 1000)
    place.upload(DATASET, "resume-of-1", files, "step 1", is_new)


OPERATIONS: dict[str, Callable[[KaggleBackend, Path], Any]] = {
    "SaveKernel": lambda place, _: place.push(JOB),
    "GetKernel": lambda place, _: place.find(JOB.ref, JOB.token),
    "GetKernelSessionStatus": lambda place, _: place.status(JOB.ref, 1),
    "ListKernelSessionOutput": lambda place, folder: place.output(JOB.ref, 1, folder / "out"),
    "GetDataset": lambda place, _: place.dataset(DATASET),
    "GetDatasetStatus": lambda place, _: place.dataset(DATASET),
    "StartBlobUpload": lambda place, folder: upload(place, folder, False),
    "CreateDatasetVersion": lambda place, folder: upload(place, folder, False),
    "CreateDataset": lambda place, folder: upload(place, folder, True),
    "GetAcceleratorQuotaStatistics": lambda place, _: place.quota(),
    "ListKernels": lambda place, _: place.whoami(),
}
EFFECTS = ("SaveKernel", "CreateDataset", "CreateDatasetVersion")
LOST = ("500", "503", "not-json", "hang", "reset", "lost", "truncated")
FAST = {
    ("SaveKernel", "lost"), ("SaveKernel", "429-nested"), ("SaveKernel", "500"),
    ("CreateDatasetVersion", "hang"), ("GetKernelSessionStatus", "401"),
    ("GetKernelSessionStatus", "404"), ("GetDataset", "404"), ("GetKernel", "truncated"),
    ("GetAcceleratorQuotaStatistics", "reset"),
}  # fmt: skip
KINDS = ("401", "403", "404", "429", "429-nested", *LOST)
CASES = [
    pytest.param(call, kind, marks=() if (call, kind) in FAST else pytest.mark.slow)
    for call in OPERATIONS
    for kind in KINDS
]


def expected(call: str, kind: str) -> type[BackendError] | None:
    """None: it is an answer, that there is no such thing."""
    if kind == "401" or (call == "ListKernels" and kind in ("403", "404")):
        return NoAccess
    if kind in ("403", "404"):
        if call in ("GetKernel", "GetDataset", "GetDatasetStatus"):
            return None
        changes = call in (*EFFECTS, "StartBlobUpload")
        return Refused if kind == "403" and changes else Missing
    return Unsure if kind in LOST and call in EFFECTS else Trouble


@pytest.mark.parametrize(("call", "kind"), CASES)
def test_what_is_said_of_a_fault(
    call: str, kind: str, service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    if call not in ("SaveKernel", "ListKernels"):
        run_to_end(service, "pass")
    if call != "CreateDataset":
        service.add_dataset(DATASET, {"a.txt": b"1"})
    before = len(service.journal.of(call))
    service.faults.add(call, kind, seconds=7.0)
    wanted = expected(call, kind)
    if wanted is None:
        assert OPERATIONS[call](place, tmp_path) is None
        return
    with pytest.raises(BackendError) as caught:
        OPERATIONS[call](place, tmp_path)
    assert type(caught.value) is wanted, caught.value.message
    assert len(service.journal.of(call)) == before + 1, "no second try by itself"
    assert len(service.store.kernels) <= 1
    if kind.startswith("429"):
        assert isinstance(caught.value, Trouble)
        assert caught.value.retry_after_s == 7.0


def test_push_whose_answer_was_lost_is_found(service: KaggleService, place: KaggleBackend) -> None:
    service.faults.add("SaveKernel", "lost")
    with pytest.raises(Unsure):
        place.push(JOB)
    found = place.find(JOB.ref, JOB.token)
    assert found is not None
    assert found.version == 1


def test_nothing_is_unsure_where_nothing_could_leave(
    service: KaggleService, tmp_path: Path
) -> None:
    place = backend(service, tmp_path, http_proxy="http://127.0.0.1:9")
    with pytest.raises(Trouble) as caught:
        place.push(JOB)
    assert type(caught.value) is Trouble


def test_denial_is_of_the_credentials_where_they_are_good_for_nothing(
    service: KaggleService, place: KaggleBackend
) -> None:
    service.faults.add("GetKernelSessionStatus", "403")
    service.faults.add("ListKernels", "403")
    with pytest.raises(NoAccess):
        place.status(JOB.ref, 1)


@pytest.mark.slow
def test_denial_is_open_while_the_credentials_cannot_be_tried(
    service: KaggleService, place: KaggleBackend
) -> None:
    service.faults.add("GetKernelSessionStatus", "403")
    service.faults.add("ListKernels", "500")
    with pytest.raises(Trouble) as caught:
        place.status(JOB.ref, 1)
    assert type(caught.value) is Trouble


@pytest.mark.parametrize("status", [200, pytest.param(403, marks=pytest.mark.slow)])
def test_expired_token_is_no_access(status: int, service: KaggleService, tmp_path: Path) -> None:
    service.accounts["alice"].has_expired = True
    service.options.unknown_token_status = status  # type: ignore[assignment]
    place = backend(service, tmp_path, "token")
    with pytest.raises(NoAccess):
        place.whoami()
    with pytest.raises(NoAccess):
        place.push(JOB)


@pytest.mark.slow
def test_newer_version_of_the_service_changes_nothing(
    service: KaggleService, place: KaggleBackend
) -> None:
    service.faults.add("SaveKernel", "version-header")
    assert place.push(JOB).version == 1


@pytest.mark.slow
def test_file_that_breaks_off_is_taken_up_where_it_broke(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    run_to_end(service, "open('big', 'wb').write(bytes(range(256)) * 20_000)")
    service.faults.add("Download", "truncated", name="big")
    place.output(JOB.ref, 1, tmp_path / "out")
    assert (tmp_path / "out" / "big").read_bytes() == bytes(range(256)) * 20_000
    assert [entry.status for entry in service.journal.of("Download")] == [200, 206]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["404", "503", "reset"])
def test_file_that_does_not_come_is_trouble(
    kind: str, service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    run_to_end(service, "open('file', 'w').write('x')")
    service.faults.add("Download", kind, times=9)
    with pytest.raises(Trouble, match="file could not be fetched"):
        place.output(JOB.ref, 1, tmp_path / "out")


@pytest.mark.slow
def test_upload_that_breaks_off_goes_on(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    service.faults.add("Upload", "half")
    upload(place, tmp_path, is_new=True)
    version = service.store.datasets[DATASET].versions[-1]
    assert [path.read_text() for path in version.folder.iterdir()] == ["1" * 1000]


def test_no_version_is_made_without_a_file_that_did_not_arrive(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    service.add_dataset(DATASET, {"a.txt": b"1"})
    service.faults.add("Upload", "500")
    with pytest.raises(Trouble) as caught:
        upload(place, tmp_path, is_new=False)
    assert type(caught.value) is Trouble
    assert len(service.store.datasets[DATASET].versions) == 1
