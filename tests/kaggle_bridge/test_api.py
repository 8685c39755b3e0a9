"""Training over the API: what everybody may read, what takes staff with a token and the right."""

from itertools import pairwise

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kaggle_bridge.models import TrainingRun
from league.models import AuditEntry
from tests.factories import make_competition, make_submission, make_user
from tests.kaggle_bridge.rows import add_checkpoint, add_metrics, add_session, make_run
from tests.league.api.calls import Caller, fault

pytestmark = pytest.mark.django_db

WISH = {"preset": "tictactoe", "total_steps": 1000, "config": {"selfplay": {"games": 64}}}


@pytest.fixture
def anyone() -> Caller:
    return Caller()


@pytest.fixture
def carol() -> Caller:
    return Caller("carol", "staff", is_staff=True, is_superuser=True)


def queries_of(who, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert who.get(path).status_code == 200
    return len(queries)


def test_staff_start_a_run_that_everybody_sees_at_once(carol, anyone) -> None:
    make_competition("tictactoe", environment="tictactoe")
    answer = carol.post("/training/runs", WISH | {"competition": "tictactoe", "enter": "last"})
    assert answer.status_code == 201
    told = answer.json()
    run = TrainingRun.objects.get()
    assert (run.author, run.total_steps, run.resolved["selfplay"]["games"]) == (
        carol.user, 1000, 64,
    )  # fmt: skip
    assert told["id"] == run.pk
    assert (told["state"], told["backend"], told["accelerator"]) == ("PUSHING", "local", "cpu")
    assert told["config"] == {"selfplay.games": 64, "total_steps": 1000}
    assert (told["competition"], told["enter"], told["error"]) == ("tictactoe", "last", "")
    assert [session["number"] for session in told["sessions"]] == [1]
    assert (told["step"], told["metrics"], told["checkpoints"]) == (0, {}, [])
    assert anyone.get(f"/training/runs/{run.pk}").json() == told


def test_a_run_is_told_with_sessions_metrics_and_checkpoints(anyone) -> None:
    run = make_run(step=2000, competition=make_competition())
    add_session(run, "TIMED_OUT", reason="its time was up")
    add_session(run)
    submission = make_submission(run.competition)
    add_checkpoint(run, 1000, state="ENTERED", submission=submission, arena=987.5)
    add_checkpoint(run, 2000)
    add_metrics(run, {1000: {"loss": 1.5, "events": [{"kind": "jump"}]}, 2000: {"loss": 1, "x": 2}})
    told = anyone.get(f"/training/runs/{run.pk}").json()
    assert told["metrics"] == {"loss": [[1000, 1.5], [2000, 1.0]], "x": [[2000, 2.0]]}
    assert [(s["number"], s["state"], s["reason"]) for s in told["sessions"]] == [
        (1, "TIMED_OUT", "its time was up"),
        (2, "RUNNING", ""),
    ]
    assert [(c["step"], c["submission"], c["arena"]) for c in told["checkpoints"]] == [
        (1000, submission.pk, 987.5),
        (2000, None, None),
    ]


def test_metrics_are_thinned_evenly_with_their_ends_and_every_evaluation(anyone) -> None:
    run = make_run()
    lines = {step: {"loss": float(step)} for step in range(100, 500_001, 100)}
    for step in range(50_000, 500_001, 50_000):
        lines[step]["arena/elo"] = 1000.0
    add_metrics(run, lines)
    metrics = anyone.get(f"/training/runs/{run.pk}").json()["metrics"]
    steps = [step for step, _ in metrics["loss"]]
    assert len(steps) == 1000
    assert (steps[0], steps[-1]) == (100, 500_000)
    gaps = [after - before for before, after in pairwise(steps)]
    assert max(gaps) <= 1100
    assert [step for step, _ in metrics["arena/elo"]] == list(range(50_000, 500_001, 50_000))


def test_the_list_is_public_the_newest_first_and_by_state(anyone) -> None:
    runs = [make_run(state) for state in ("IMPORTED", "RUNNING", "RUNNING")]
    page = anyone.get("/training/runs?limit=2").json()
    assert page["count"] == 3
    assert [item["id"] for item in page["items"]] == [runs[2].pk, runs[1].pk]
    page = anyone.get("/training/runs?state=IMPORTED").json()
    assert [item["id"] for item in page["items"]] == [runs[0].pk]
    assert fault(anyone.get("/training/runs?state=LOST")) == (400, "invalid_field")


def test_many_runs_cost_as_many_queries_as_one(anyone) -> None:
    def add() -> None:
        run = make_run()
        add_session(run, log="x" * 100_000)
        add_checkpoint(run, 1000)

    add()
    anyone.get("/training/runs")
    one = queries_of(anyone, "/training/runs")
    for _ in range(4):
        add()
    assert queries_of(anyone, "/training/runs") == one


def test_nothing_secret_is_told(anyone) -> None:
    run = make_run()
    add_session(run, token="sesame-open", log="sesame-log")
    assert "sesame" not in anyone.get(f"/training/runs/{run.pk}").text
    assert "sesame" not in anyone.get("/training/runs").text


@pytest.mark.parametrize(
    "path", ["/training/runs", "/training/runs/1/cancel", "/training/runs/1/retry"]
)
def test_posting_takes_a_staff_token_and_the_right(anyone, path) -> None:
    assert fault(anyone.post(path, WISH)) == (401, "not_logged_in")
    assert fault(Caller("alice").post(path, WISH)) == (403, "scope_too_small")
    reader = Caller("carol", "submit", is_staff=True, is_superuser=True)
    assert fault(reader.post(path, WISH)) == (403, "scope_too_small")
    helper = Caller("dave", "staff", is_staff=True)
    assert fault(helper.post(path, WISH)) == (403, "not_organiser")
    assert not TrainingRun.objects.exists()


def test_staff_with_the_right_need_be_no_superuser() -> None:
    dave = Caller("dave", "staff", is_staff=True)
    dave.user.user_permissions.add(Permission.objects.get(codename="add_trainingrun"))
    assert dave.post("/training/runs", WISH).status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", "malformed_json"),
        ([], "not_an_object"),
        ({}, "invalid_field"),
        (WISH | {"session_minutes": 5}, "unknown_field"),
        (WISH | {"preset": 5}, "invalid_field"),
        (WISH | {"preset": "chess\0"}, "invalid_field"),
        (WISH | {"preset": "chess"}, "bad_config"),
        (WISH | {"config": []}, "invalid_field"),
        (WISH | {"config": {"sed": 1}}, "bad_config"),
        (WISH | {"config": {"\ud800": "\ud800"}}, "bad_config"),
        (WISH | {"total_steps": "many"}, "invalid_field"),
        (WISH | {"total_steps": 0}, "bad_config"),
        (WISH | {"total_steps": 10**30}, "bad_config"),
        (WISH | {"internet": 1}, "invalid_field"),
        (WISH | {"backend": "mars"}, "invalid_field"),
        (WISH | {"max_sessions": 0}, "invalid_field"),
        (WISH | {"competition": "nowhere"}, "no_competition"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(carol, body, code) -> None:
    assert fault(carol.post("/training/runs", body)) == (400, code)
    assert not TrainingRun.objects.exists()


def test_an_idempotency_key_starts_one_run(carol) -> None:
    first = carol.post("/training/runs", WISH, idempotency_key="nightly")
    again = carol.post("/training/runs", WISH, idempotency_key="nightly")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotency-Replayed"] == "true"
    assert TrainingRun.objects.count() == 1
    other = carol.post("/training/runs", WISH | {"total_steps": 2000}, idempotency_key="nightly")
    assert fault(other) == (409, "key_reused")


def test_cancel_and_retry_are_the_verbs_of_the_pages(carol) -> None:
    run = make_run()
    add_session(run)
    answer = carol.post(f"/training/runs/{run.pk}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "CANCELLED")
    assert answer.json()["sessions"][0]["state"] == "CANCELLED"
    assert fault(carol.post(f"/training/runs/{run.pk}/cancel")) == (409, "wrong_state")
    answer = carol.post(f"/training/runs/{run.pk}/retry")
    assert (answer.status_code, answer.json()["state"]) == (200, "PUSHING")
    assert len(answer.json()["sessions"]) == 2
    assert [entry.action for entry in AuditEntry.objects.all()] == ["retry", "cancel"]


def test_the_rules_of_the_api_hold_here_too(anyone, carol) -> None:
    assert fault(anyone.get("/training/runs/7")) == (404, "not_found")
    assert fault(anyone.get("/training/runs/x")) == (404, "not_found")
    assert fault(carol.post("/training/runs/7/cancel")) == (404, "not_found")
    assert fault(anyone.post("/training/runs/7", {})) == (405, "wrong_method")
    assert fault(anyone.get("/training/runs", Authorization="Bearer x")) == (401, "bad_token")
    head = anyone.client.head("/api/v1/training/runs")
    assert (head.status_code, head.content) == (200, b"")
    assert anyone.get("/training/runs")["Cache-Control"] == "private, no-cache"


def test_a_fault_of_ours_is_a_500_and_is_not_kept(carol, monkeypatch) -> None:
    monkeypatch.setattr("kaggle_bridge.configs.TIMEOUT_S", 0.001)
    answer = carol.post("/training/runs", WISH, idempotency_key="k")
    assert fault(answer) == (500, "check_failed")
    monkeypatch.undo()
    assert carol.post("/training/runs", WISH, idempotency_key="k").status_code == 201


def test_a_session_of_the_browser_reads_but_does_not_post(carol) -> None:
    make_user("carol")
    browser = Caller()
    browser.client.force_login(carol.user)
    assert browser.get("/training/runs").status_code == 200
    assert fault(browser.post("/training/runs", WISH)) == (401, "not_logged_in")
