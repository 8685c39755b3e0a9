"""A run's page while the run goes on, in a browser: what changes is seen without a reload.

The form starts it and the driver moves it on; only the worker, who would train, is this test.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from kaggle_bridge import driver
from kaggle_bridge.local.spool import Spool, Stage, State
from kaggle_bridge.models import TrainingRun
from league import entrants
from league.models import Submission
from tests.e2e.pages import assert_readable
from tests.factories import make_competition, make_house_bots, make_staff
from tests.kaggle_bridge.hand_made import Output, entry

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
STEP, TOTAL = 100_352, 300_000


class Worker:
    """Takes what the driver has put into the spool, and leaves what a trainer would leave."""

    def __init__(self, data_dir: Path) -> None:
        self.spool = Spool(data_dir)
        self.spool.beat()

    def begin(self) -> None:
        self.version = next(self.spool.versions())
        self.version.set_state(State(Stage.RUNNING, started=time.time()))

    def leave(self, run: TrainingRun, step: int) -> None:
        """Metrics and a checkpoint of this step."""
        output = Output(self.version.working, run.pk, run.sessions.get().token)
        file = output.checkpoint(step)
        output.seal(state="running")
        self.tell("metrics", line={"step": step, "loss/policy": 1.5, "seconds": 20.0})
        self.tell("checkpoint", file=f"checkpoints/{file.name}", **entry(file, step=step))

    def tell(self, kind: str, **more: Any) -> None:
        self.version.log.write(f"palaestra: {json.dumps({'kind': kind, **more})}\n".encode())


@pytest.fixture
def worker(tmp_path: Path, settings: Any) -> Worker:
    settings.DATA_DIR = tmp_path
    return Worker(tmp_path)


@pytest.fixture
def carol(chromium: Browser, live_server: Any, worker: Worker) -> Iterator[Page]:
    """Staff before the page of a run that she has started; it is never loaded again."""
    make_house_bots(make_competition("tictactoe", environment="tictactoe"))
    client = Client()
    client.force_login(make_staff())
    session = client.cookies["sessionid"].value
    context = chromium.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto("/training/new/?preset=tictactoe")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/training/\d+/$"))
    page.evaluate("window.isTheSame = true")
    yield page
    context.close()
    assert complaints == []


def play(submission: Submission) -> None:
    """What the league makes of it, in short."""
    Submission.objects.filter(pk=submission.pk).update(status=Submission.Status.ACTIVE)
    rating = entrants.enter(submission).rating
    rating.elo, rating.se, rating.matches = 1100.0, 80.0, 12
    rating.save()


def test_state_step_and_curve_change_before_ones_eyes(carol: Page, worker: Worker) -> None:
    run, state = TrainingRun.objects.get(), carol.locator("#run-state")
    expect(state).to_contain_text("being sent")
    driver.advance(run.pk)
    expect(state).to_contain_text("queued")
    worker.begin()
    driver.advance(run.pk)
    expect(state).to_contain_text("running")
    expect(state).to_contain_text("step 0 of 300 k")
    worker.leave(run, STEP)
    driver.advance(run.pk)
    expect(state).to_contain_text("step 100 k of 300 k")
    expect(carol.locator("#run-charts")).to_contain_text("loss/policy")
    expect(carol.locator("#run-checkpoints")).to_contain_text("entered")
    play(run.checkpoints.get().submission)
    point = carol.locator("#run-curve a[aria-label='1100 with step 100 k']")
    expect(point).to_be_visible(timeout=10_000)
    assert_readable(carol)
    assert carol.evaluate("window.isTheSame")
    point.locator("circle").last.click()
    carol.wait_for_url(re.compile(r"/submissions/\d+/$"))
    lineage = carol.get_by_role("region", name="Training", exact=True)
    expect(lineage).to_contain_text("session 1 on this machine")
    expect(lineage).to_contain_text("100 k of 300 k")
    expect(lineage.get_by_role("link", name=f"run {run.pk}")).to_be_visible()
