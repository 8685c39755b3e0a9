"""Each fault at each call: a run of three sessions ends as if nothing had been."""

import pytest

from kaggle_bridge.models import RunState
from tests.kaggle_bridge.course import TOTAL, drive, started, story

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.kaggle, pytest.mark.slow,
]  # fmt: skip
CALLS = (
    "SaveKernel", "GetKernelSessionStatus", "ListKernelSessionOutput", "Download",
    "GetDatasetStatus", "StartBlobUpload", "Upload", "CreateDataset", "CreateDatasetVersion",
)  # fmt: skip
READS = ("GetKernelSessionStatus", "ListKernelSessionOutput", "Download", "GetDatasetStatus")
PASSING = ("429", "429-nested", "500", "503", "401", "not-json", "reset")
PLAN = ("piece", "piece", "all")
STORY = [(1, "TIMED_OUT", 100), (2, "TIMED_OUT", 200), (3, "COMPLETE", TOTAL)]


def bytes_of(run):
    return list(run.checkpoints.values_list("step", "sha256"))


def ends_as_if_nothing_had_been(service, run):
    assert (run.state, run.error) == (RunState.COMPLETE, "")
    assert story(run) == STORY
    assert [step for step, _ in bytes_of(run)] == [100, 200, 300, 400]
    kernel = service.store.kernels[run.kernel_ref]
    assert len(kernel.versions) == 3
    assert sorted(session.kernel_version for session in run.sessions.all()) == [1, 2, 3]


FAULTS = [*((kind, CALLS) for kind in PASSING), ("403", READS), ("404", READS)]


@pytest.mark.parametrize(("kind", "calls"), FAULTS)
def test_a_fault_at_every_call_changes_nothing_in_the_end(serve, kind, calls):
    service = serve(*PLAN)
    faults = [service.faults.add(call, kind) for call in calls]
    run = drive(started(), seconds=200)
    ends_as_if_nothing_had_been(service, run)
    assert [fault.call for fault in faults if not fault.is_spent] == []


def test_a_lost_answer_at_every_call_doubles_nothing(serve):
    service = serve(*PLAN)
    for call in CALLS:
        service.faults.add(call, "lost", times=2)
    run = drive(started(), seconds=250)
    ends_as_if_nothing_had_been(service, run)


@pytest.mark.parametrize("kind", ["truncated", "short", "corrupt", "missing-file"])
def test_a_damaged_output_is_fetched_again(serve, kind):
    service = serve(*PLAN)
    call = "ListKernelSessionOutput" if kind == "missing-file" else "Download"
    fault = service.faults.add(call, kind, times=2)
    run = drive(started(), seconds=150)
    ends_as_if_nothing_had_been(service, run)
    assert fault.is_spent


@pytest.mark.parametrize("kind", ["unknown-status", "no-status", "version-header"])
def test_what_is_odd_in_an_answer_is_lived_with(serve, kind):
    service = serve(*PLAN)
    fault = service.faults.add("GetKernelSessionStatus", kind, times=2)
    run = drive(started(), seconds=150)
    ends_as_if_nothing_had_been(service, run)
    assert fault.is_spent


@pytest.mark.parametrize("kind", ["failed-dataset", "unkept-dataset", "half"])
def test_a_dataset_that_does_not_come_to_be_is_sent_again(serve, kind):
    service = serve(*PLAN, dataset_delay_s=0.5)
    call = "Upload" if kind == "half" else "CreateDataset"
    service.faults.add(call, kind)
    run = drive(started(), seconds=200)
    ends_as_if_nothing_had_been(service, run)


@pytest.mark.parametrize("call", ["SaveKernel", "CreateDataset"])
def test_a_refusal_of_what_is_sent_ends_a_run_with_its_sentence(serve, call):
    service = serve(*PLAN)
    service.faults.add(call, "403", message="Phone verification is required")
    run = drive(started())
    assert run.state == RunState.FAILED
    assert "Phone verification is required" in run.error


def test_the_busiest_minute_of_many_runs_keeps_to_the_limit(serve, settings):
    settings.TRAINING_CALLS_PER_MINUTE = 12
    service = serve("slow")
    from kaggle_bridge import driver

    many = [started() for _ in range(50)]
    for _ in range(8):
        for run in many:
            driver.advance(run.pk)
    assert 0 < service.journal.busiest(60.0) <= 12
    assert service.journal.at_once() == 1
