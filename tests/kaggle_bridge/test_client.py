"""What each operation asks of the service, and what it makes of the answers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kaggle_bridge.backend import Missing, NoQuota, Refused, Stage
from kaggle_bridge.backends.kaggle import KaggleBackend
from tests.kaggle_bridge.client_case import (
    JOB,
    KEY,
    TOKEN,
    backend,
    dataset_folder,
    job,
    run_to_end,
    serving,
)
from tests.kaggle_service import KaggleService

pytestmark = pytest.mark.kaggle


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KaggleService]:
    with serving(tmp_path) as service:
        yield service


@pytest.fixture
def place(service: KaggleService, tmp_path: Path) -> KaggleBackend:
    return backend(service, tmp_path)


def test_push_says_everything_that_has_a_default(
    service: KaggleService, place: KaggleBackend
) -> None:
    service.add_dataset("alice/resume-of-1", {"a.bin": b"a"})
    service.options.ref_prefix = "/code/"
    pushed = place.push(job("pass", accelerator="gpu", inputs=("alice/resume-of-1/1",)))
    assert (pushed.ref, pushed.version) == (JOB.ref, 1)
    assert pushed.url.endswith(JOB.ref)
    (call,) = service.journal.of()
    sent = call.json
    assert sent["slug"] == JOB.ref
    assert sent["machineShape"] == "NvidiaTeslaT4"
    assert (sent["isPrivate"], sent["enableInternet"]) == (True, False)
    assert sent["sessionTimeoutSeconds"] == 600
    assert sent["datasetDataSources"] == ["alice/resume-of-1/1"]


def test_unknown_source_fails_the_push(service: KaggleService, place: KaggleBackend) -> None:
    with pytest.raises(Refused, match="alice/no-such/3"):
        place.push(job("pass", inputs=("alice/no-such/3",)))
    assert service.session(JOB.ref, 1), "it runs there all the same"


def test_refusal_in_an_answer_that_says_ok_is_told(
    service: KaggleService, place: KaggleBackend
) -> None:
    service.options.sessions_at_once["cpu"] = 0
    with pytest.raises(NoQuota, match="Maximum batch CPU session count") as caught:
        place.push(JOB)
    assert caught.value.until is None
    service.options.largest_source = 10
    with pytest.raises(Refused, match="too large"):
        place.push(JOB)


@pytest.mark.slow
def test_used_up_hours_are_no_quota(service: KaggleService, place: KaggleBackend) -> None:
    service.options.quota_s["tpu"] = 0
    with pytest.raises(NoQuota, match="Accelerator Quota Exceeded"):
        place.push(job("pass", accelerator="tpu"))


def test_title_of_another_slug_is_refused_before_anything_is_sent(
    service: KaggleService, place: KaggleBackend
) -> None:
    with pytest.raises(Refused, match="does not make the slug"):
        place.push(job("pass", title="Other steps"))
    assert service.journal.of() == []


@pytest.mark.slow
def test_notebook_keeps_its_token(service: KaggleService, place: KaggleBackend) -> None:
    cell = {
        "cell_type": "code",
        "source": [f"# {JOB.token}\n", "1 + 1"],
        "outputs": [],
        "metadata": {},
        "execution_count": None,
    }
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    wanted = job("", is_notebook=True)
    wanted = type(wanted)(**{**vars(wanted), "source": text})
    pushed = place.push(wanted)
    assert service.journal.of()[0].json["kernelType"] == "notebook"
    found = place.find(wanted.ref, wanted.token)
    assert found is not None
    assert (found.ref, found.version) == (pushed.ref, pushed.version)


def test_find_knows_a_push_by_its_token(place: KaggleBackend) -> None:
    assert place.find(JOB.ref, JOB.token) is None
    place.push(JOB)
    found = place.find(JOB.ref, JOB.token)
    assert found is not None
    assert (found.ref, found.version) == (JOB.ref, 1)
    assert place.find(JOB.ref, "marker-2") is None


def test_status_is_of_the_version_that_is_asked_for(
    service: KaggleService, place: KaggleBackend
) -> None:
    first = run_to_end(service, "raise SystemExit(3)")
    second = place.push(job("import time; time.sleep(60)")).version
    assert place.status(JOB.ref, first).stage == Stage.ERROR
    assert place.status(JOB.ref, second).stage in (Stage.QUEUED, Stage.RUNNING)
    with pytest.raises(Missing):
        place.status(JOB.ref, 9)


@pytest.mark.parametrize(
    ("fault", "stage", "message"),
    [
        ("unknown-status", Stage.UNKNOWN, "PONDERING"),
        pytest.param("no-status", Stage.QUEUED, "", marks=pytest.mark.slow),
    ],
)
def test_status_that_nobody_knows_is_no_error(
    fault: str, stage: Stage, message: str, service: KaggleService, place: KaggleBackend
) -> None:
    place.push(JOB)
    service.faults.add("GetKernelSessionStatus", fault)
    status = place.status(JOB.ref, 1)
    assert (status.stage, status.message) == (stage, message)


def test_stored_log_comes_after_the_end_and_the_stream_before(
    service: KaggleService, place: KaggleBackend
) -> None:
    source = "import time\nprint('early', flush=True)\ntime.sleep(60)\nprint('late')"
    version = place.push(job(source)).version
    events = json.loads(place.log(JOB.ref, version))
    assert [event["data"].strip() for event in events if event["data"].strip()] == ["early"]
    version = run_to_end(service, "print('whole')")
    assert "whole" in place.log(JOB.ref, version)
    assert len(service.journal.of("LogStream")) == 1


@pytest.mark.slow
def test_log_of_what_waits_is_empty(service: KaggleService, place: KaggleBackend) -> None:
    service.options.queue_s = 60
    assert place.log(JOB.ref, place.push(JOB).version) == ""


def test_output_follows_all_pages_and_brings_the_log(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    service.options.largest_page = 3
    source = """
import os
os.mkdir('checkpoints')
for n in range(7): open(f'checkpoints/step_{n}.bin', 'w').write('x' * n)
print('end')"""
    version = run_to_end(service, source)
    output = place.output(JOB.ref, version, tmp_path / "out")
    names = [f"checkpoints/step_{n}.bin" for n in range(7)]
    assert [name for name in output.files if name != "first-steps.log"] == names
    assert (tmp_path / "out" / names[6]).read_text() == "xxxxxx"
    assert "end" in (tmp_path / "out" / "first-steps.log").read_text()
    assert len(service.journal.of("ListKernelSessionOutput")) == 3


def test_output_of_some_names_fetches_only_these(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    version = run_to_end(service, "for n in 'abc': open(n, 'w').write(n)")
    output = place.output(JOB.ref, version, tmp_path / "out", ["b", "never"])
    assert output.files == ("b",)
    assert sorted(os.listdir(tmp_path / "out")) == ["b"]
    assert len(service.journal.of("Download")) == 1
    with pytest.raises(Refused, match="not empty"):
        place.output(JOB.ref, version, tmp_path / "out")


def test_dataset_comes_to_be_privately_and_moves_on_by_versions(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    ref, folder = "alice/resume-of-1", dataset_folder(tmp_path / "files", a="1", b="")
    assert place.dataset(ref) is None
    place.upload(ref, "resume-of-1", folder, "step 1", is_new=True)
    (folder / "a.txt").write_text("22")
    place.upload(ref, "resume-of-1", folder, "step 2", is_new=False)
    found = place.dataset(ref)
    assert found is not None
    assert (found.version, found.is_ready, found.word) == (2, True, "ready")
    stored = service.store.datasets[ref]
    assert stored.is_private
    assert sorted(folder.iterdir()) == [folder / "a.txt", folder / "b.txt"], "nothing was added"
    with pytest.raises(Refused, match="already in use"):
        place.upload(ref, "resume-of-1", folder, "step 3", is_new=True)


@pytest.mark.slow
def test_dataset_says_whether_it_is_ready_or_has_failed(
    service: KaggleService, place: KaggleBackend, tmp_path: Path
) -> None:
    ref, folder = "alice/resume-of-1", dataset_folder(tmp_path / "files", a="1")
    service.options.dataset_delay_s = 60
    place.upload(ref, "resume-of-1", folder, "step 1", is_new=True)
    found = place.dataset(ref)
    assert found is not None
    assert (found.is_ready, found.has_failed) == (False, False)
    assert found.word
    service.faults.add("CreateDatasetVersion", "failed-dataset")
    service.options.dataset_delay_s = 0
    place.upload(ref, "resume-of-1", folder, "step 2", is_new=False)
    found = place.dataset(ref)
    assert found is not None
    assert (found.is_ready, found.has_failed) == (False, True)


@pytest.mark.slow
def test_dataset_of_folders_is_refused(place: KaggleBackend, tmp_path: Path) -> None:
    (tmp_path / "files" / "inner").mkdir(parents=True)
    with pytest.raises(Refused, match="inner cannot be part"):
        place.upload("alice/resume-of-1", "resume-of-1", tmp_path / "files", "", is_new=True)


def test_quota_counts_whole_days_and_is_in_utc(
    service: KaggleService, place: KaggleBackend
) -> None:
    service.accounts["alice"].used_s["gpu"] = 26 * 3600.0
    service.options.quota_resets_at = datetime(2026, 8, 8, tzinfo=UTC)
    found = place.quota()
    assert found["gpu"].used_s == 26 * 3600.0
    assert found["gpu"].total_s == 30 * 3600.0
    assert found["gpu"].resets_at == datetime(2026, 8, 8, tzinfo=UTC)
    assert found["tpu"].left_s == 20 * 3600.0


def test_stopping_is_not_possible_and_asks_nobody(
    service: KaggleService, place: KaggleBackend
) -> None:
    assert place.stop(JOB.ref, 1) is False
    assert service.journal.of() == []


def test_owner_of_a_token_is_asked_for_once_and_remembered(
    service: KaggleService, tmp_path: Path
) -> None:
    place = backend(service, tmp_path, "token")
    assert (place.facts().owner, place.facts().problem) == ("", "")
    assert place.whoami() == "alice"
    assert backend(service, tmp_path, "token").facts().owner == "alice"
    assert backend(service, tmp_path, "token", KAGGLE_API_TOKEN="other").facts().owner == ""
    assert TOKEN not in (tmp_path / "var" / "training" / "kaggle" / "owner.json").read_text()
    place.push(JOB)
    assert service.journal.credentials("SaveKernel") == [("alice", "token")]
    assert len(service.journal.of()) == 2, "no call is spent on who it is"


def test_facts_ask_nobody(service: KaggleService, tmp_path: Path) -> None:
    assert backend(service, tmp_path).facts().owner == "alice"
    both = backend(service, tmp_path, KAGGLE_API_TOKEN=TOKEN).facts()
    assert both.owner == ""
    assert "both set" in both.problem
    assert KEY not in both.problem
    assert service.journal.of() == []


def test_the_site_does_not_import_the_client() -> None:
    code = """
import sys
import kaggle_bridge.backends.kaggle
sys.exit(any(name.partition('.')[0] in ('kaggle', 'kagglesdk', 'requests') for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
