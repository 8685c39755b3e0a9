"""Training on the organiser's desk: rows to read, and actions that call the verbs of the pages."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from kaggle_bridge.models import Account
from league.models import AuditEntry
from tests.factories import make_competition, make_staff, make_user
from tests.kaggle_bridge.rows import add_checkpoint, add_session, make_run

pytestmark = pytest.mark.django_db
LIST = "admin:kaggle_bridge_trainingrun_changelist"


@pytest.fixture
def carol(client):
    carol = make_staff()
    client.force_login(carol)
    return carol


def act(client, action: str, *rows, **form):
    """Chooses rows and an action on the list page, as the admin's form does."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(reverse(LIST), chosen | form, follow=True)


def test_lists_open_and_lead_to_the_pages(client, carol) -> None:
    run = make_run(competition=make_competition())
    Account.objects.create(backend="kaggle", owner="organiser", has_credentials=True)
    page = client.get(reverse(LIST)).text
    assert f'href="{run.get_absolute_url()}"' in page
    assert client.get(reverse(LIST), {"q": "tictactoe", "state": "RUNNING"}).status_code == 200
    assert "organiser" in client.get(reverse("admin:kaggle_bridge_account_changelist")).text


def test_a_run_shows_sessions_and_checkpoints_and_no_token(client, carol) -> None:
    run = make_run()
    add_session(run, token="sesame-open", log="sesame-log", reason="still training")
    add_checkpoint(run, 123_456)
    page = client.get(reverse("admin:kaggle_bridge_trainingrun_change", args=[run.pk])).text
    assert "still training" in page
    assert "123456" in page
    assert "sesame" not in page


def test_rows_are_for_reading(client, carol) -> None:
    run, account = make_run(), Account.objects.create(backend="kaggle")
    for row in (run, account):
        name = f"admin:kaggle_bridge_{row._meta.model_name}"
        assert client.get(reverse(f"{name}_add")).status_code == 403
        assert client.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403
        client.post(reverse(f"{name}_change", args=[row.pk]), {"owner": "x", "state": "FAILED"})
        row.refresh_from_db()
    assert (run.state, account.owner) == ("RUNNING", "")


def test_cancel_asks_why_and_calls_the_verb(client, carol) -> None:
    run = make_run()
    add_session(run)
    page = act(client, "cancel", run)
    assert "why?" in page.text
    run.refresh_from_db()
    assert run.state == "RUNNING"
    act(client, "cancel", run, reason="the wrong preset")
    run.refresh_from_db()
    assert (run.state, run.error) == ("CANCELLED", "Cancelled: the wrong preset")
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == (carol, "cancel", "the wrong preset")


def test_start_sends_a_draft_and_says_why_it_sends_nothing_else(client, carol) -> None:
    draft, running = make_run("DRAFT"), make_run()
    page = act(client, "start", draft, running, reason="ready")
    assert "only a draft can be started" in page.text
    draft.refresh_from_db()
    assert (draft.state, draft.sessions.count()) == ("PUSHING", 1)
    assert AuditEntry.objects.get().action == "start"


def test_start_again_goes_on_with_what_failed_and_says_what_it_left(client, carol) -> None:
    failed, running = make_run("FAILED", error="no memory"), make_run()
    page = act(client, "start_again", failed, running, reason="more memory")
    assert f"Start again: {failed}" in page.text
    assert "only one that has failed or was cancelled" in page.text
    failed.refresh_from_db()
    assert (failed.state, failed.error, failed.sessions.count()) == ("PUSHING", "", 1)
    assert AuditEntry.objects.get().reason == "more memory"


def test_who_may_only_look_is_offered_no_action(client) -> None:
    dave = make_user("dave", is_staff=True)
    dave.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    client.force_login(dave)
    run = make_run()
    page = act(client, "cancel", run, reason="x")
    assert page.status_code == 200
    assert 'value="cancel"' not in page.text
    run.refresh_from_db()
    assert run.state == "RUNNING"
