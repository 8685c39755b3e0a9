"""The pages of training: what anybody sees, live, in few queries however long a run was."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from kaggle_bridge import words
from kaggle_bridge.models import Account, RunState, TrainingRun
from kaggle_bridge.views.runs import PARTS
from league import entrants
from league.teams import make_system_team
from tests.factories import make_competition, make_house_bots, make_staff, make_submission
from tests.kaggle_bridge.rows import add_checkpoint, add_metrics, add_session, make_run

pytestmark = pytest.mark.django_db
LIST = "/training/"


def fragment(client, url, target):
    return client.get(url, headers={"HX-Request": "true", "HX-Target": target}).text


@pytest.fixture
def tictactoe():
    return make_competition("tictactoe", title="TicTacToe", environment="tictactoe")


def enter(run, step, **rating):
    """A checkpoint that has become an entrant with a rating."""
    if run.team is None:
        run.keep(team=make_system_team(f"Training {run.pk}"))
    submission = make_submission(run.competition, team=run.team)
    entrant = entrants.enter(submission)
    values = {"elo": 1200.0, "se": 30.0, "matches": 40, "is_provisional": False}
    for name, value in (values | rating).items():
        setattr(entrant.rating, name, value)
    entrant.rating.save()
    return add_checkpoint(run, step, state="ENTERED", submission=submission)


# The list


def test_without_runs_the_page_says_what_will_appear_and_how(client):
    page = client.get(LIST).text
    assert "No training run has been started" in page
    assert reverse("training-new") not in page
    client.force_login(make_staff())
    assert reverse("training-new") in client.get(LIST).text


def test_the_list_shows_what_runs_and_how_far(client, tictactoe):
    run = make_run(step=100_000, competition=tictactoe)
    add_session(run)
    add_metrics(run, {100_000: {"seconds": 600.0}})
    enter(run, 50_000)
    page = client.get(LIST).text
    assert "step 100 k of 300 k, about 20 min left." in page
    assert "Newest rating in TicTacToe" in page
    assert words.RUN_STATES[RunState.RUNNING] in page
    assert "Brought to the ladders" not in page


def test_what_a_run_has_brought_is_its_strongest_settled_entrant(client, tictactoe):
    run = make_run("IMPORTED", competition=tictactoe, ended=timezone.now())
    enter(run, 100_000, elo=1100.0)
    best = enter(run, 200_000, elo=1300.0, rank=2, rank_low=2, rank_high=5)
    enter(run, 300_000, elo=1900.0, is_provisional=True)
    enter(run, 250_000, elo=1800.0, matches=0)
    part = fragment(client, LIST, "brought")
    assert f"#{best.submission_id}" in part
    assert part.count("/submissions/") == 1
    assert "2–5" in part


def test_a_disqualified_entrant_was_not_brought(client, tictactoe):
    run = make_run("IMPORTED", competition=tictactoe, ended=timezone.now())
    entrant = enter(run, 100_000).submission.entrant
    entrant.is_disqualified = True
    entrant.save()
    assert "/submissions/" not in fragment(client, LIST, "brought")


def test_the_list_is_paged_and_newest_first(client):
    runs = [make_run("IMPORTED", ended=timezone.now()) for _ in range(27)]
    page = client.get(LIST).text
    shown = [int(pk) for pk in re.findall(r'href="/training/(\d+)/"', page)]
    assert shown == [run.pk for run in reversed(runs[2:])]
    older = re.search(r'href="(\?before=\d+)" rel="next"', page)[1]
    rest = client.get(f"{LIST}{older}").text
    assert [int(pk) for pk in re.findall(r'href="/training/(\d+)/"', rest)] == [
        runs[1].pk, runs[0].pk,
    ]  # fmt: skip
    assert "no older run" in client.get(f"{LIST}?before=1").text


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "²"])
def test_a_page_that_is_none_is_the_newest(client, before):
    run = make_run()
    assert run.get_absolute_url() in client.get(LIST, {"before": before}).text


def test_the_list_reads_as_often_for_many_runs_as_for_one(
    client, tictactoe, django_assert_max_num_queries
):
    def add():
        run = make_run(step=100_000, competition=tictactoe)
        add_session(run, resume=add_checkpoint(run, 40_000))
        add_metrics(run, {100_000: {"seconds": 600.0}})
        enter(run, 50_000)
        ended = make_run("IMPORTED", competition=tictactoe, ended=timezone.now())
        enter(ended, 300_000)

    add()
    with django_assert_max_num_queries(9) as few:
        client.get(LIST)
    for _ in range(7):
        add()
    with django_assert_max_num_queries(len(few)):
        page = client.get(LIST).text
    assert page.count("<article") == 8


def test_fifty_runs_under_way_are_shown_in_part(client):
    for _ in range(50):
        make_run()
    part = fragment(client, LIST, "running-runs")
    assert part.count("<article") == 10
    assert "in the list" in part


def test_the_navigation_marks_training_on_all_its_pages(client):
    for url in (LIST, make_run().get_absolute_url()):
        assert 'href="/training/" aria-current="true"' in client.get(url).text


# Home and help


def test_home_shows_what_is_training_and_nothing_where_nothing_is(client):
    run = make_run("IMPORTED", ended=timezone.now())
    assert "/training/" not in client.get("/").text.split("<main")[1]
    run.keep(state="RUNNING", ended=None)
    assert run.get_absolute_url() in client.get("/").text


def test_help_explains_every_state(client):
    page = client.get("/help/").text
    for sentences in (words.RUN_STATES, words.SESSION_STATES, words.CHECKPOINT_STATES):
        for sentence in sentences.values():
            assert sentence.replace("'", "&#x27;") in page


# A run


@pytest.mark.parametrize("state", RunState.values)
def test_a_run_has_a_page_in_every_state(client, state):
    run = make_run(state, error="It broke.", note="Kaggle is asleep.")
    session = add_session(run) if state == "RUNNING" else None
    page = client.get(run.get_absolute_url())
    assert page.status_code == 200
    assert words.RUN_STATES[RunState(state)] in page.text
    assert words.standing(run, session) in page.text
    assert ("Kaggle is asleep." in page.text) == (state in TrainingRun.ACTIVE)


def test_there_is_no_page_without_a_run(client):
    assert client.get("/training/77/").status_code == 404


@pytest.mark.parametrize("target", PARTS)
def test_each_part_is_answered_alone_to_htmx(client, target):
    run = make_run()
    part = fragment(client, run.get_absolute_url(), target)
    assert part.strip().startswith(f'<div id="{target}"')
    assert "<html" not in part


def test_parts_are_live_while_something_happens_and_no_longer(client):
    run = make_run()
    for target in PARTS:
        assert "data-live" in fragment(client, run.get_absolute_url(), target)
    run.keep(state="FAILED", ended=timezone.now())
    for target in PARTS:
        assert "data-live" not in fragment(client, run.get_absolute_url(), target)


def test_ratings_stay_live_while_an_entrant_plays(client, tictactoe):
    run = make_run("IMPORTED", competition=tictactoe, ended=timezone.now())
    submission = enter(run, 300_000).submission
    url = run.get_absolute_url()
    assert "data-live" in fragment(client, url, "run-curve")
    assert "data-live" not in fragment(client, url, "run-charts")
    submission.status = "RETIRED"
    submission.save()
    assert "data-live" not in fragment(client, url, "run-curve")


def test_a_waiting_run_says_why_and_until_when(client):
    run = make_run(
        "WAITING",
        note="The 30 hours of GPU of this week are used up.",
        waits_until=timezone.now() + timedelta(days=2, hours=1),
    )
    part = fragment(client, run.get_absolute_url(), "run-state")
    assert "The 30 hours of GPU" in part
    assert "in 2 days" in part


def test_troubles_are_told_with_the_next_try(client):
    later = timezone.now() + timedelta(minutes=3, seconds=30)
    run = make_run(note="Kaggle does not answer.", troubles=4, due_at=later)
    part = fragment(client, run.get_absolute_url(), "run-state")
    assert "Kaggle does not answer. Tried 4 times in a row; again" in part
    assert "in 3 min" in part
    run.keep(due_at=timezone.now() - timedelta(seconds=9))
    assert "it is being tried again" in fragment(client, run.get_absolute_url(), "run-state")


def test_a_problem_with_the_account_stands_on_its_runs(client):
    Account.objects.create(backend="kaggle", problem="The access token has expired.")
    there, here = make_run(backend="kaggle"), make_run()
    assert "has expired" in client.get(there.get_absolute_url()).text
    assert "has expired" not in client.get(here.get_absolute_url()).text


def test_the_curve_has_a_point_for_each_entrant_that_has_played(client, tictactoe):
    make_house_bots(tictactoe)
    run = make_run(competition=tictactoe)
    settled = enter(run, 100_000)
    provisional = enter(run, 200_000, is_provisional=True)
    unplayed = enter(run, 300_000, matches=0)
    part = fragment(client, run.get_absolute_url(), "run-curve")
    assert part.count('class="entrant"') == 1
    assert part.count('class="entrant is-hollow"') == 1
    assert settled.submission.get_absolute_url() in part
    assert provisional.submission.get_absolute_url() in part
    assert unplayed.submission.get_absolute_url() not in part
    assert 'class="anchor"' in part
    table = fragment(client, run.get_absolute_url(), "run-curve-table")
    assert f"#{settled.submission_id}" in table


def test_metrics_are_drawn_and_written(client):
    run = make_run(facts={"objective": "arena/elo"})
    add_metrics(
        run,
        {
            step * 1000: {"arena/elo": 900 + step, "loss/value": 1 / step, "games/length": 7.5}
            for step in range(1, 20)
        },
    )
    url = run.get_absolute_url()
    first = fragment(client, url, "run-charts")
    assert first.index("arena/elo") < first.index("loss/value")
    assert "games/length" not in first
    assert "games/length" in fragment(client, url, "run-more")
    assert "0.0526" in fragment(client, url, "run-charts-table")


def test_events_are_marked_on_the_chart_of_their_metric(client):
    run = make_run(facts={"objective": "", "headline": ["world/population"]})
    event = {"kind": "jump", "metric": "world/population", "step": 1000}
    line = {"world/population": 20.0, "loss/value": 0.5}
    add_metrics(run, {1000: line | {"events": [event]}, 2000: line})
    part = fragment(client, run.get_absolute_url(), "run-charts")
    assert part.count("<title>jump</title>") == 1
    assert part.index("<title>jump</title>") < part.index("loss/value")


def test_ten_thousand_lines_cost_no_more_queries_and_few_bytes(
    client, django_assert_max_num_queries
):
    run = make_run()
    add_session(run)
    line = {f"loss/{name}": 0.123456 for name in "abcdefgh"} | {"seconds": 9.0}
    add_metrics(run, dict.fromkeys(range(1, 10_001), line))
    with django_assert_max_num_queries(10):
        page = client.get(run.get_absolute_url())
    assert len(page.content) < 100_000


def test_the_log_ends_with_the_newest_and_leaves_out_lines_for_programs(client):
    run = make_run()
    add_session(run, "TIMED_OUT", log="of the session before")
    lines = [f"line {n}\npalaestra: " + '{"kind": "metrics"}' for n in range(500)]
    add_session(run, log="\n".join([*lines, "<script>alert(1)</script>"]))
    part = fragment(client, run.get_absolute_url(), "run-log")
    assert "line 499" in part
    assert "line 301" in part
    assert "line 300" not in part
    assert "palaestra:" not in part
    assert "session before" not in part
    assert "<script>" not in part


def test_sessions_tell_how_long_how_far_and_how_they_ended(client):
    now = timezone.now()
    run = make_run(step=90_000)
    first = add_session(
        run, "TIMED_OUT", step=50_000, started=now - timedelta(hours=2),
        finished_at=now - timedelta(hours=1), ended=now - timedelta(minutes=58),
        reason="It stopped in good time, at step 50,000.", report={"devices": "2 x cpu"},
    )  # fmt: skip
    resume = add_checkpoint(run, 40_000, session=first)
    add_session(run, step=90_000, resume=resume)
    part = fragment(client, run.get_absolute_url(), "run-sessions")
    for text in ("1 h", "0–50 k", "40 k–90 k", "2 x cpu", "It stopped in good time"):
        assert text in part


def test_the_kernel_of_a_private_run_is_linked_for_organisers(client):
    run = make_run(backend="kaggle")
    add_session(run, kernel_url="https://www.kaggle.com/code/alice/x", kernel_version=3)
    url = run.get_absolute_url()
    assert "kaggle.com" not in client.get(url).text
    client.force_login(make_staff())
    assert 'href="https://www.kaggle.com/code/alice/x"' in client.get(url).text


def test_only_a_web_address_is_linked(client):
    run = make_run(backend="kaggle", is_private=False)
    add_session(run, kernel_url="javascript:alert(1)", kernel_version=3)
    client.force_login(make_staff())
    assert "javascript:" not in client.get(run.get_absolute_url()).text


def test_quota_is_shown_for_runs_at_kaggle(client):
    quota = {"gpu": {"used_s": 36_000, "total_s": 108_000, "resets_at": None}}
    Account.objects.create(backend="kaggle", quota=quota)
    part = fragment(client, make_run(backend="kaggle").get_absolute_url(), "run-sessions")
    assert "10 of 30 h used, 20 h left" in part
    assert "<meter" in part
    assert "<meter" not in fragment(client, make_run().get_absolute_url(), "run-sessions")


def test_a_refused_checkpoint_says_why_and_a_rejected_submission_too(client, tictactoe):
    run = make_run(competition=tictactoe)
    add_checkpoint(run, 1000, state="REFUSED", error="Its weights are not finite.")
    rejected = enter(run, 2000).submission
    rejected.status, rejected.verdict = "REJECTED", "move_timeout"
    rejected.save()
    part = fragment(client, run.get_absolute_url(), "run-checkpoints")
    assert "Its weights are not finite." in part
    assert "move timeout" in part


def test_the_configuration_is_told_as_changes_to_its_preset(client):
    changed = {"total_steps": 300_000, "seed": 7, "selfplay.games": 64}
    run = make_run(config=changed, resolved={"seed": 7, "secret_of_the_whole": 1})
    page = client.get(run.get_absolute_url()).text
    rows = re.findall(r"<code>([\w.]+)</code></th><td[^>]*>(\w+)</td><td[^>]*><code>(\w+)<", page)
    assert rows == [("seed", "default", "7"), ("selfplay.games", "128", "64")]
    assert "secret_of_the_whole" in page


def test_lineage_has_the_hashes_of_each_session(client):
    run = make_run()
    add_session(run, source_hash="5" * 64, kernel_sha256="a" * 64)
    page = client.get(run.get_absolute_url()).text
    assert "5" * 64 in page
    assert "a" * 64 in page
