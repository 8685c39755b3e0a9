"""The organiser's desk: actions ask for a reason, call the verb and leave an audit row."""

import pytest
from django.urls import reverse
from django.utils import timezone

from league import alerts, halts, house
from league.limits import of_competition
from league.models import (
    Alert,
    AuditEntry,
    Competition,
    Entrant,
    Ladder,
    Match,
    Membership,
    Submission,
)
from tests.factories import make_competition, make_entrant, make_match, make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def carol(client):
    carol = make_staff()
    client.force_login(carol)
    return carol


def act(client, model: str, action: str, *rows, **form):
    """Chooses rows and an action on a list page, as the admin's form does."""
    return client.post(
        reverse(f"admin:league_{model}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows], **form},
        follow=True,
    )


@pytest.mark.parametrize(
    "model",
    [
        "competition",
        "submission",
        "match",
        "team",
        "entrant",
        "auditentry",
        "invitation",
        "apitoken",
        "alert",
        "halt",
        "membership",
    ],
)
def test_every_list_page_opens(client, carol, model) -> None:
    competition = make_competition()
    entrant = make_entrant(competition, make_user())
    make_match(competition, [entrant.submission] * 2)
    assert client.get(reverse(f"admin:league_{model}_changelist")).status_code == 200


@pytest.mark.parametrize("model", ["submission", "match", "competition"])
def test_every_detail_page_opens_and_shows_no_token(client, carol, model) -> None:
    competition = make_competition()
    submission = make_entrant(competition, make_user()).submission
    match = make_match(competition, [submission] * 2)
    match.attempts.create(number=1, token="sesame-open", sent=match.created)
    row = {"submission": submission, "match": match, "competition": competition}[model]
    page = client.get(reverse(f"admin:league_{model}_change", args=[row.pk]))
    assert page.status_code == 200
    assert b"sesame-open" not in page.content


def test_an_action_asks_why_before_it_acts(client, carol) -> None:
    submission = make_entrant(make_competition(), make_user()).submission
    page = act(client, "submission", "disqualify", submission)
    assert b"why?" in page.content
    submission.refresh_from_db()
    assert submission.status == "ACTIVE"
    act(client, "submission", "disqualify", submission, reason="plays by telephone")
    submission.refresh_from_db()
    assert submission.status == "DISQUALIFIED"
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action, entry.reason) == (carol, "disqualify", "plays by telephone")


def test_an_action_that_does_not_fit_says_why_and_changes_nothing(client, carol) -> None:
    submission = make_entrant(make_competition(), make_user()).submission
    page = act(client, "submission", "reinstate", submission, reason="by mistake")
    assert b"nothing was changed" in page.content
    assert not AuditEntry.objects.exists()


def test_pause_and_resume(client, carol) -> None:
    competition = make_competition()
    act(client, "competition", "pause", competition, reason="the hall is closed")
    assert Competition.objects.get().is_paused
    act(client, "competition", "resume", competition, reason="open again")
    assert not Competition.objects.get().is_paused
    assert [entry.action for entry in AuditEntry.objects.all()] == ["resume", "pause"]


def test_run_again_and_void(client, carol) -> None:
    competition = make_competition()
    seats = [make_entrant(competition, make_user(name)).submission for name in ("alice", "bob")]
    match = make_match(competition, seats, state="DONE", is_rated=True)
    act(client, "match", "run_again", match, reason="looks odd")
    assert Match.objects.get(repeats=match).key == match.key
    act(client, "match", "void", match, reason="looks odd")
    match.refresh_from_db()
    assert match.is_void


def test_cancel_takes_off_what_no_worker_has_begun(client, carol) -> None:
    competition = make_competition()
    seats = [make_entrant(competition, make_user(name)).submission for name in ("alice", "bob")]
    waiting, playing = make_match(competition, seats), make_match(competition, seats, "DISPATCHED")
    page = act(client, "match", "cancel", waiting, playing, reason="wrong clock")
    assert b"Only a rated match that still waits" in page.content
    assert [Match.objects.get(pk=m.pk).state for m in (waiting, playing)] == [
        "ABORTED", "DISPATCHED",
    ]  # fmt: skip
    assert AuditEntry.objects.get(action="cancel").reason == "wrong clock"


def test_members_are_moved_by_verbs_and_with_a_reason(client, carol) -> None:
    leader, other = make_user("alice"), make_user("bob")
    team = leader.membership.team
    Membership.objects.filter(user=other).update(team=team, role="member")
    act(client, "membership", "make_leader", other.membership, reason="alice is ill")
    assert Membership.objects.get(user=other).role == "leader"
    act(client, "membership", "remove_from_team", leader.membership, reason="she left")
    assert Membership.objects.get(user=leader).team != team
    assert {entry.reason for entry in AuditEntry.objects.all()} >= {"alice is ill", "she left"}


def test_the_page_of_a_team_hides_its_invitation_and_renames_it(client, carol) -> None:
    team = make_user("alice").membership.team
    team.invite_code = "sesame-open"
    team.save()
    url = reverse("admin:league_team_change", args=[team.pk])
    assert "sesame-open" not in client.get(url).text
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    client.post(url, {"name": "The Argonauts", **inline})
    team.refresh_from_db()
    assert team.name == "The Argonauts"


def test_an_alert_is_closed_with_a_reason_and_once(client, carol) -> None:
    now = timezone.now()
    alert = Alert.objects.create(code="lock_waits", message="x", raised=now, last_seen=now)
    act(client, "alert", "close", alert, reason="seen to")
    assert not alerts.open_alerts().exists()
    assert AuditEntry.objects.get(action="close alert").reason == "seen to"
    page = act(client, "alert", "close", alert, reason="again")
    assert b"closed already" in page.content


def test_adding_a_halt_stops_all_and_lifting_it_lets_all_go_on(client, carol) -> None:
    add = reverse("admin:league_halt_add")
    assert b'name="ended' not in client.get(add).content
    client.post(add, {"reason": ""})
    assert halts.current() is None
    client.post(add, {"reason": "flood in the hall"})
    stop = halts.current()
    assert (stop.reason, stop.actor) == ("flood in the hall", carol)
    assert client.get(add).status_code == 403, "there is one at most"
    assert client.get(reverse("admin:league_halt_change", args=[stop.pk])).status_code == 200
    act(client, "halt", "lift", stop, reason="dry again")
    assert halts.current() is None
    halts.halt(carol, "another")
    page = act(client, "halt", "lift", stop, reason="by mistake")
    assert b"over already" in page.content
    assert halts.current()
    assert [e.action for e in AuditEntry.objects.all()] == ["halt", "lift halt", "halt"]


def test_a_competition_shows_the_facts_of_its_ladder(client, carol) -> None:
    competition = make_competition()
    url = reverse("admin:league_competition_change", args=[competition.pk])
    assert client.get(url).status_code == 200
    Ladder.objects.create(competition=competition, field_hash="abcdef" * 8, data_hash="012345" * 8)
    page = client.get(url).text
    assert "abcdef" * 8 in page
    assert "012345" * 8 in page


def competition_form(**change):
    return {
        "title": "Small", "slug": "small", "environment": "connectx",
        "configuration": '{"rows": 4, "columns": 5, "inarow": 3}', "opens_at_0": "2026-01-01",
        "opens_at_1": "00:00", "daily_limit": 5, "active_limit": 2, "startup_s": 10,
        "memory_mb": 1024, "prize_cut": 10, "settle_se": 50, "max_matches": 200,
        "final_settle_se": 25, "max_team_size": 3, "requires_verified_email": "on",
        "clock": "charged", "packages": "numpy",
    } | change  # fmt: skip


def test_a_created_competition_has_its_house_bots_on_the_ladder(client, carol) -> None:
    client.post(reverse("admin:league_competition_add"), competition_form())
    competition = Competition.objects.get(slug="small")
    bots = Entrant.objects.playing().filter(competition=competition)
    assert set(bots.values_list("submission__builtin", flat=True)) == set(house.BOTS)
    assert competition.anchor
    assert competition.environment_version
    assert AuditEntry.objects.get(action="create").actor == carol
    assert (competition.final_settle_se, competition.max_team_size) == (25, 3)
    assert competition.requires_verified_email


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"environment": "chess"}, "no environment"),
        ({"configuration": '{"rows": "four"}'}, "rows"),
        ({"configuration": "[1]"}, "JSON object"),
        ({"configuration": "{"}, "JSON"),
        ({"configuration": '{"rowz": 4}'}, "no such key: rowz"),
        ({"configuration": '{"rows": 4000000, "columns": 4000000}'}, "does not fit in memory"),
        ({"packages": "torch"}, "no package set &#x27;torch&#x27;"),
        ({"clock": "sundial"}, "not one of the available choices"),
        ({"deadline_0": "2025-01-01", "deadline_1": "00:00"}, "in order"),
    ],
)
def test_a_competition_that_cannot_be_played_is_refused(client, carol, change, word) -> None:
    page = client.post(reverse("admin:league_competition_add"), competition_form(**change))
    assert word in page.content.decode()
    assert not Competition.objects.exists()


def test_a_package_set_of_the_organiser_can_be_chosen(client, carol, settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "packages").mkdir()
    own = 'title = "Small"\nmemory_mb = 3000\nstartup_s = 44\nrequirements = ["six==1.17.0"]\n'
    (tmp_path / "packages" / "small.toml").write_text(own)
    page = client.get(reverse("admin:league_competition_add")).text
    assert '<option value="small">small: Small</option>' in page
    client.post(reverse("admin:league_competition_add"), competition_form(packages="small"))
    competition = Competition.objects.get()
    limits = of_competition(competition)
    assert (limits.packages, limits.memory_mb, limits.startup_s) == ("small", 3000, 44)
    (tmp_path / "packages" / "small.toml").unlink()
    page = client.get(f"/competitions/{competition.slug}/").text
    assert "Python, small" in page


def test_the_games_can_be_chosen_from_a_list(client, carol) -> None:
    page = client.get(reverse("admin:league_competition_add")).text
    for name in ("connectx", "tictactoe"):
        assert f'<option value="{name}">' in page


def test_a_competition_with_submissions_cannot_be_deleted(client, carol) -> None:
    competition = make_competition()
    make_entrant(competition, make_user())
    page = client.get(reverse("admin:league_competition_delete", args=[competition.pk]))
    assert page.status_code == 403


def test_an_invitation_gets_a_code_of_its_own(client, carol) -> None:
    client.post(reverse("admin:league_invitation_add"), {"note": "for Dora"})
    page = client.get(reverse("admin:league_invitation_changelist"))
    assert b"for Dora" in page.content


def test_entrants_and_submissions_cannot_be_edited_by_hand(client, carol) -> None:
    submission = make_entrant(make_competition(), make_user()).submission
    url = reverse("admin:league_submission_change", args=[submission.pk])
    client.post(url, {"status": "RETIRED"})
    assert Submission.objects.get().status == "ACTIVE"


def test_others_have_no_desk(client) -> None:
    client.force_login(make_user("bob"))
    assert client.get(reverse("admin:index")).status_code == 302
