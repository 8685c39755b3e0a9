"""Teams of the site itself: what binds them, what does not, and who sees what they print."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from league import entrants, matchmaking, quota, submissions, teams
from league.entrants import SYSTEM_ACTIVE_LIMIT
from league.errors import Forbidden, LeagueError
from league.models import AuditEntry, Entrant, Ladder, Match, Stage, Submission, Team
from league.submissions import Upload, submit_as
from tests.factories import (
    make_competition,
    make_entrant,
    make_staff,
    make_submission,
    make_user,
)
from tests.league.test_matchmaking import report
from tests.league.test_teams import refusal

pytestmark = pytest.mark.django_db
SOURCE = "def agent(obs, config):\n    return {}\n"


@pytest.fixture
def team() -> Team:
    return teams.make_system_team("Training 12: connectx")


def upload(number: int = 0) -> Upload:
    return Upload.from_source(SOURCE.format(number))


def enter(competition, team: Team, **fields) -> Entrant:
    return entrants.enter(make_submission(competition, author=None, team=team, **fields))


# Sending in.


def test_no_limit_of_people_binds_it(team) -> None:
    competition = make_competition(daily_limit=1, active_limit=1, requires_verified_email=True)
    sent = [submit_as(team, competition, upload(number)).submission for number in range(3)]
    assert [row.status for row in sent] == ["PENDING"] * 3
    assert {(row.team, row.author) for row in sent} == {(team, None)}
    assert quota.used_today([team]) == {competition.pk: 3}
    entry = AuditEntry.objects.filter(action="submit").first()
    assert (entry.actor, entry.target) == (None, f"submission {sent[2].pk} of {team}")


def test_the_same_bytes_answer_with_the_first(team) -> None:
    competition = make_competition()
    first = submit_as(team, competition, upload(), "one")
    again = submit_as(team, competition, upload(), "two")
    assert (first.created, again.created) == (True, False)
    assert first.submission == again.submission
    assert AuditEntry.objects.filter(action="submit").count() == 1


def test_it_is_bound_by_the_dates(team) -> None:
    now = timezone.now()
    competition = make_competition(opens_at=now - timedelta(2), deadline=now - timedelta(1))
    refusal("submissions_closed", submit_as, team, competition, upload())


def test_a_locked_field_takes_nothing_in(team) -> None:
    competition = make_competition()
    Ladder.objects.of(competition.pk)
    Ladder.objects.update(stage=Stage.FINAL)
    refusal("locked", submit_as, team, competition, upload())


def test_a_team_of_people_submits_for_itself() -> None:
    people = teams.team_of(make_user())
    refusal("not_system", submit_as, people, make_competition(), upload())


# On the ladder.


def test_ten_of_it_play_and_the_oldest_makes_room(team) -> None:
    competition = make_competition(active_limit=2)
    entered = [enter(competition, team).submission for _ in range(SYSTEM_ACTIVE_LIMIT)]
    assert not Submission.objects.filter(status="RETIRED").exists()
    enter(competition, team)
    assert list(Submission.objects.filter(status="RETIRED")) == entered[:1]


def test_its_entrants_meet_each_other(team) -> None:
    competition = make_competition()
    pair = {enter(competition, team).submission.pk for _ in range(2)}
    report()
    assert matchmaking.pair(competition)
    for match in Match.objects.all():
        assert set(match.seats.values_list("submission", flat=True)) == pair


def test_two_of_people_still_do_not() -> None:
    competition = make_competition()
    for _ in range(2):
        make_entrant(competition, make_user())
    report()
    assert matchmaking.pair(competition) == 0


def test_it_is_one_team_where_only_the_best_of_each_counts(team) -> None:
    competition = make_competition()
    rows = [enter(competition, team) for _ in range(3)]
    rows[1].rating.elo = 1200.0
    rows[1].rating.save()
    alice = make_entrant(competition, make_user())
    assert set(Entrant.objects.ranked(competition).best_of_teams()) == {rows[1], alice}


# Who is in it, and how it is called.


def test_nobody_joins_it(team) -> None:
    alice = make_user()
    Team.objects.filter(pk=team.pk).update(invite_code="code")
    refusal("system_team", teams.join, alice, "code")
    refusal("system_team", teams.merge, make_staff(), teams.team_of(alice), team)
    refusal("system_team", teams.merge, make_staff(), team, teams.team_of(alice))


def test_nobody_takes_its_name(team) -> None:
    alice = make_user()
    own = teams.team_of(alice)
    for name in (team.name, "training 13: connectx", "TRAINING 9"):
        refusal("name_taken", teams.rename, alice, own, name)
    teams.rename(alice, own, "Training wheels")


def test_its_page_says_whose_it_is(team, client) -> None:
    assert "entered by the site itself" in client.get(f"/teams/{team.pk}/").text


def test_its_name_is_free_whoever_had_it_before(team) -> None:
    other = teams.make_system_team(team.name)
    assert other != team
    assert other.name.startswith(team.name)


# Taking it back.


def test_what_is_superseded_retires_with_a_note(team) -> None:
    competition = make_competition()
    entrant = enter(competition, team)
    assert submissions.retire_superseded(entrant.submission, "a better one plays")
    entrant.refresh_from_db()
    assert entrant.left
    assert Submission.objects.get().status == "RETIRED"
    assert AuditEntry.objects.get(action="retire").reason == "a better one plays"
    assert not submissions.retire_superseded(entrant.submission, "again")


@pytest.mark.parametrize("status", ["PENDING", "VALIDATING", "REJECTED", "DISQUALIFIED"])
def test_only_what_is_active_retires(team, status) -> None:
    submission = make_submission(make_competition(), author=None, team=team, status=status)
    assert not submissions.retire_superseded(submission, "")
    assert Submission.objects.get().status == status


def test_a_locked_field_stays_as_it_is(team) -> None:
    entrant = enter(make_competition(), team)
    Ladder.objects.update(stage=Stage.FINAL)
    assert not submissions.retire_superseded(entrant.submission, "")
    assert Entrant.objects.playing().get() == entrant


def test_the_site_retires_nothing_of_people() -> None:
    entrant = make_entrant(make_competition())
    with pytest.raises(Forbidden):
        submissions.retire_superseded(entrant.submission, "")


# What it prints.


def test_organisers_read_its_logs_and_tracebacks(team, client) -> None:
    failed = make_submission(
        make_competition(), author=None, team=team, status="REJECTED", verdict="import_failed",
        verdict_message="It fails.", verdict_detail="Traceback: a secret of the agent",
    )  # fmt: skip
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_submission"))
    for user, sees in ((make_staff(), True), (helper, True), (make_user("bob"), False)):
        client.force_login(user)
        assert ("a secret" in client.get(failed.get_absolute_url()).text) is sees
        logs = client.get(f"{failed.get_absolute_url()}logs/")
        assert logs.status_code == (200 if sees else 404)
        api = client.get(f"/api/v1/submissions/{failed.pk}").json()
        assert (api["verdict_detail"] is not None) is sees


def test_they_are_not_an_organisers_own(team, client) -> None:
    competition = make_competition()
    theirs = make_submission(competition, author=None, team=team)
    client.force_login(make_staff())
    for page in ("/submissions/", f"/competitions/{competition.slug}/"):
        assert theirs.get_absolute_url() not in client.get(page).text


def test_of_people_organisers_read_nothing(client) -> None:
    submission = make_submission(make_competition())
    client.force_login(make_staff())
    assert client.get(f"{submission.get_absolute_url()}logs/").status_code == 404


def test_the_admin_shows_the_mark(team, client) -> None:
    client.force_login(make_staff())
    page = client.get("/admin/league/team/?is_system__exact=1")
    assert team.name in page.text
    assert "carol" not in page.text.split("result_list")[1]


def test_a_disk_without_room_is_nobodys_fault(team, settings) -> None:
    settings.DISK_RESERVE_MB = 10**9
    with pytest.raises(LeagueError) as refused:
        submit_as(team, make_competition(), upload())
    assert refused.value.status == 503
