"""When a worker takes no matches: other code than the league's, or no box where another has one."""

import dataclasses
import json

import pytest

from evaluation import broker, worker
from evaluation.version import code_version
from evaluation.worker import NO_BOX, OTHER_CODE, Drain


class Consumer:
    """As much of Celery's as is asked of it: which queues it is told to serve."""

    def __init__(self) -> None:
        self.queues = set(broker.QUEUES)
        self.cancel_task_queue, self.add_task_queue = self.queues.discard, self.queues.add

    def call_soon(self, change, queue) -> None:
        change(queue)


@pytest.fixture
def drain(monkeypatch):
    def make(*, has_box: bool) -> Drain:
        settings = dataclasses.replace(worker._settings, has_box=has_box)
        monkeypatch.setattr(worker, "_settings", settings)
        return Drain(Consumer())

    return make


def report(**fields) -> str:
    return json.dumps({"has_box": True, "drains": ""} | fields)


def test_a_worker_that_is_alone_and_current_takes_matches(drain):
    one = drain(has_box=False)
    one.check(code_version(), [report(has_box=False)])
    one.check(None, [])
    assert (one.reason, one.consumer.queues) == ("", set(broker.QUEUES))


def test_a_worker_with_other_code_takes_none_until_it_is_the_leagues(drain):
    one = drain(has_box=True)
    one.check("another", [])
    assert (one.reason, one.consumer.queues) == (OTHER_CODE, set())
    one.check(code_version(), [])
    assert (one.reason, one.consumer.queues) == ("", set(broker.QUEUES))


def test_a_worker_without_a_box_steps_back_where_another_has_one(drain):
    one = drain(has_box=False)
    one.check(None, [report(has_box=False), "no json", "[]", report(drains="old")])
    assert one.reason == ""
    one.check(None, [report()])
    assert (one.reason, one.consumer.queues) == (NO_BOX, set())
    one.check(None, [])
    assert one.consumer.queues == set(broker.QUEUES), "house bots play on"
