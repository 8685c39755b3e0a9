"""The worker is killed between any two calls, and in the middle of them: nothing comes twice."""

import subprocess
import sys
import time

import pytest
from django.db import connection

from kaggle_bridge.models import RunState
from tests.kaggle_bridge.course import PROJECT, TOTAL, started, story, variables
from tests.stack import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kaggle, pytest.mark.slow]
PLAN = ("piece", "piece", "all")


@pytest.mark.parametrize("when", ["before", "after", "during"])
def test_a_worker_killed_at_every_call_loses_and_doubles_nothing(serve, settings, when):
    service = serve(*PLAN)
    run = started()
    environ = variables(
        service, DATABASE_URL=database_url(connection.settings_dict), SECRET_KEY="for tests",
        DATA_DIR=str(settings.DATA_DIR), TRAINING_POLL_SECONDS="1", REDIS_URL="redis://127.0.0.1:1",
        TRAINING_CALLS_PER_MINUTE="600",
    )  # fmt: skip
    command = [sys.executable, "-m", "tests.kaggle_bridge.doomed", str(run.pk), when]
    deadline, deaths = time.monotonic() + 280, 0
    # The second, third or fourth call in turn: what comes first must have a chance to be noted.
    while subprocess.run([*command, str(2 + deaths % 3)], cwd=PROJECT, env=environ).returncode:
        deaths += 1
        assert time.monotonic() < deadline, f"{run.state} {run.note}"
        run.refresh_from_db()
    run.refresh_from_db()
    assert deaths > 5
    assert (run.state, run.error) == (RunState.COMPLETE, "")
    assert story(run) == [(1, "TIMED_OUT", 100), (2, "TIMED_OUT", 200), (3, "COMPLETE", TOTAL)]
    assert list(run.checkpoints.values_list("step", flat=True)) == [100, 200, 300, 400]
    assert list(run.metrics.values_list("step", flat=True)) == [100, 200, 300, 400]
    assert len(service.store.kernels[run.kernel_ref].versions) == 3
    assert len(service.journal.of("SaveKernel")) >= 3
