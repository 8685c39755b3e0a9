"""Teams: whose they are, who comes and goes, who leads. What becomes of submissions: mergers."""

import re

import pytest
from django.contrib.auth import get_user_model

from league import house, teams
from league.errors import LeagueError
from league.models import AuditEntry, Entrant, Membership, Submission, Team
from league.submissions import Upload, submit
from league.teams import house_team, team_of
from tests.factories import (
    make_competition,
    make_entrant,
    make_staff,
    make_submission,
    make_user,
)

pytestmark = pytest.mark.django_db
SOURCE = "def agent(obs, config):\n    return 0\n"


def make_team(*names: str) -> Team:
    """Of these users; the first one leads it."""
    leader = make_user(names[0])
    if names[1:]:
        code = teams.invite(leader)
        for name in names[1:]:
            teams.join(make_user(name), code)
        teams.revoke(leader)
    return team_of(leader)


def names_in(team: Team) -> list[str]:
    members = team.memberships.order_by("created", "pk")
    return list(members.values_list("user__username", flat=True))


def leader_of(team: Team) -> str:
    return team.memberships.get(role="leader").user.username


def everything() -> list:
    """All that a verb could have changed."""
    return [
        sorted(rows.values_list())
        for rows in (
            Membership.objects.all(), Entrant.objects.all(), AuditEntry.objects.order_by(),
            Team.objects.values("pk", "name", "invite_code", "merged_into"),
            Submission.objects.order_by().values("pk", "team", "status"),
        )
    ]  # fmt: skip


def refusal(code: str, verb, *args, **more) -> str:
    """The sentence with which it is refused; nothing has changed."""
    before = everything()
    with pytest.raises(LeagueError) as error:
        verb(*args, **more)
    assert error.value.code == code
    assert everything() == before
    return error.value.message


# Whose they are.


def test_who_is_called_house_does_not_get_the_house_bots() -> None:
    stranger = team_of(make_user("House"))
    house.enlist(make_competition())
    stranger.refresh_from_db()
    assert not stranger.is_house
    assert not Submission.objects.filter(team=stranger).exists()
    assert house_team().is_house


def test_a_renamed_house_team_stays_the_house() -> None:
    first = house_team()
    Team.objects.filter(pk=first.pk).update(name="Our bots")
    assert house_team() == first


def test_a_name_that_is_taken_gets_a_number_and_fits() -> None:
    name = "x" * 150
    Team.objects.create(name=name)
    team = team_of(make_user(name))
    assert team.name.endswith(f"({team.memberships.get().user_id})")
    assert len(team.name) <= 150


@pytest.mark.parametrize("name", ["House", "house", "HOUSE"])
def test_nobody_signs_up_as_the_house(client, name) -> None:
    form = {"username": name, "password1": "correct horse 9", "password2": "correct horse 9"}
    assert client.post("/accounts/signup/", form).status_code == 200
    assert not get_user_model().objects.exists()


# The invitation.


def test_an_invitation_is_a_secret_that_ends_with_the_next_one() -> None:
    alice = make_user()
    first = teams.invite(alice)
    second = teams.invite(alice)
    assert len(first) == len(second) == 32
    assert teams.invited_to(second) == team_of(alice)
    refusal("not_found", teams.join, make_user("bob"), first)
    teams.revoke(alice)
    refusal("not_found", teams.join, make_user("bob"), second)
    assert AuditEntry.objects.filter(action="invite").count() == 2
    assert AuditEntry.objects.get(action="revoke invitation").actor == alice


@pytest.mark.parametrize("verb", [teams.invite, teams.revoke])
def test_only_the_leader_opens_and_closes_the_invitation(verb) -> None:
    make_team("alice", "bob")
    refusal("not_leader", verb, make_user("bob"))


@pytest.mark.parametrize("code", ["", "None", "x" * 32])
def test_no_other_code_admits_anybody(code) -> None:
    make_user()
    refusal("not_found", teams.join, make_user("bob"), code)


# Joining.


def test_who_joins_brings_submissions_and_entrants_along() -> None:
    competition, alice, bob = make_competition(), make_user(), make_user("bob")
    entrant = make_entrant(competition, bob, elo=1234.0)
    waiting = make_submission(competition, bob, "PENDING")
    before = team_of(bob)
    plan = teams.join(bob, teams.invite(alice))
    team = team_of(alice)
    assert names_in(team) == ["alice", "bob"]
    assert (team_of(bob), leader_of(team)) == (team, "alice")
    assert set(team.submissions.all()) == {entrant.submission, waiting} == set(plan.moved)
    assert Entrant.objects.playing().get().rating.elo == 1234.0
    before.refresh_from_db()
    assert (before.merged_into, before.memberships.count()) == (team, 0)
    entry = AuditEntry.objects.get(action="merge")
    assert (entry.actor, entry.target) == (bob, "bob into alice")
    assert entry.reason == "2 submissions moved"


def test_a_member_of_a_bigger_team_leaves_it_first() -> None:
    make_team("bob", "dora")
    code = teams.invite(make_user())
    refusal("in_a_team", teams.join, make_user("dora"), code, whole_team=True)
    teams.leave(make_user("dora"))
    teams.join(make_user("dora"), code)
    assert names_in(team_of(make_user())) == ["alice", "dora"]


def test_the_leader_of_a_bigger_team_brings_all_of_it_when_told_to() -> None:
    make_team("bob", "dora")
    code = teams.invite(make_user())
    refusal("in_a_team", teams.join, make_user("bob"), code)
    teams.join(make_user("bob"), code, whole_team=True)
    team = team_of(make_user())
    assert sorted(names_in(team)) == ["alice", "bob", "dora"]
    assert leader_of(team) == "alice"


def test_nobody_joins_their_own_team() -> None:
    make_team("alice", "bob")
    code = teams.invite(make_user())
    for name in ("alice", "bob"):
        refusal("same_team", teams.join, make_user(name), code, whole_team=True)


def test_teams_merged_one_after_the_other_all_point_to_the_last() -> None:
    first = team_of(make_user("dora"))
    second = make_team("bob", "dora")
    teams.join(make_user("bob"), teams.invite(make_user()), whole_team=True)
    third = team_of(make_user())
    assert {Team.objects.get(pk=t.pk).merged_into for t in (first, second)} == {third}
    refusal("same_team", teams.merge, make_staff(), first, third)


def test_only_its_leader_or_staff_merges_a_team() -> None:
    make_team("bob", "dora")
    bobs, alices = team_of(make_user("bob")), team_of(make_user())
    for name in ("alice", "dora"):
        refusal("not_leader", teams.merge, make_user(name), bobs, alices)
    teams.merge(make_staff(), bobs, alices)
    assert sorted(names_in(alices)) == ["alice", "bob", "dora"]


def test_the_house_takes_part_in_no_merger() -> None:
    own, carol = house_team(), make_staff()
    refusal("house_team", teams.merge, carol, team_of(carol), own)
    refusal("house_team", teams.merge, carol, own, team_of(carol))


# Leaving, removing, leading, naming.


def test_who_leaves_gets_a_team_and_the_submissions_stay() -> None:
    team = make_team("alice", "bob", "dora")
    bob = make_user("bob")
    submission = make_submission(make_competition(), bob)
    own = teams.leave(bob)
    assert (names_in(team), names_in(own)) == (["alice", "dora"], ["bob"])
    assert leader_of(own) == "bob"
    submission.refresh_from_db()
    assert submission.team == team
    assert AuditEntry.objects.get(action="leave").target == "alice"


def test_the_lead_passes_to_the_oldest_member() -> None:
    team = make_team("alice", "bob", "dora")
    teams.leave(make_user())
    assert leader_of(team) == "bob"


def test_the_last_member_cannot_leave() -> None:
    refusal("last_member", teams.leave, make_user())


def test_somebody_may_join_and_leave_again_and_again() -> None:
    make_user()
    for _ in range(3):
        make_team("alice", "bob")
        teams.leave(make_user("bob"))
    own = team_of(make_user("bob"))
    assert re.fullmatch(rf"bob \({make_user('bob').pk}(-[0-9a-f]{{4}})?\)", own.name)
    assert Team.objects.filter(merged_into=team_of(make_user())).count() == 3


def test_the_leader_removes_a_member() -> None:
    team = make_team("alice", "bob")
    teams.remove(make_user(), make_user("bob"))
    assert names_in(team) == ["alice"]
    assert names_in(team_of(make_user("bob"))) == ["bob"]
    assert AuditEntry.objects.get(action="remove member").target == "bob of alice"


@pytest.mark.parametrize(
    ("actor", "code"), [("alice", "not_oneself"), ("bob", "not_leader"), ("eve", "not_leader")]
)
def test_nobody_else_removes_anybody(actor, code) -> None:
    make_team("alice", "bob")
    member = make_user()
    actor = make_user(actor)
    refusal(code, teams.remove, actor, member)


def test_staff_hands_a_team_over_when_its_leader_is_gone() -> None:
    team = make_team("alice", "bob")
    carol = make_staff()
    teams.make_leader(carol, make_user("bob"), "alice does not answer")
    assert leader_of(team) == "bob"
    teams.remove(carol, make_user(), "as they asked")
    assert names_in(team) == ["bob"]
    entry = AuditEntry.objects.get(action="make leader")
    assert (entry.target, entry.reason) == ("bob of alice", "alice does not answer")


def test_only_the_leader_hands_the_team_over_and_only_to_a_member() -> None:
    team = make_team("alice", "bob")
    eve = make_user("eve")
    for actor, member in (("bob", "bob"), ("eve", "bob"), ("alice", "eve")):
        actor, member = make_user(actor), make_user(member)
        refusal("not_leader", teams.make_leader, actor, member)
    teams.make_leader(make_user(), make_user("bob"))
    assert leader_of(team) == "bob"
    assert leader_of(team_of(eve)) == "eve"


def test_a_team_is_renamed_in_one_visible_line() -> None:
    alice = make_user()
    teams.rename(alice, team_of(alice), "  The\tﬁrst  movers ")
    assert team_of(alice).name == "The first movers"
    assert AuditEntry.objects.get(action="rename").reason == "The first movers"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "bad_name"), ("   ", "bad_name"), ("x" * 61, "bad_name"), ("a\0b", "bad_name"),
        ("\u202eeve", "bad_name"), ("a\u200bb", "bad_name"), ("BOB", "name_taken"),
        ("bob ", "name_taken"), ("hOUSE", "name_taken"),
    ],
)  # fmt: skip
def test_a_name_that_is_taken_or_cannot_be_seen_is_refused(name, code) -> None:
    alice, _ = make_user(), make_user("bob")
    team = team_of(alice)
    refusal(code, teams.rename, alice, team, name)


def test_only_its_leader_or_staff_renames_a_team() -> None:
    team = make_team("alice", "bob")
    for name in ("bob", "eve"):
        user = make_user(name)
        refusal("not_leader", teams.rename, user, team, "Mine")
    teams.rename(make_staff(), team, "Theirs")
    assert Team.objects.get(pk=team.pk).name == "Theirs"


# Who may submit.


def test_a_team_that_is_too_large_submits_nothing() -> None:
    competition = make_competition(max_team_size=2)
    team = make_team("alice", "bob", "dora")
    message = refusal(
        "team_too_large", submit, competition, make_user(), Upload.from_source(SOURCE)
    )
    assert "teams of 2 at most, and yours has 3" in message
    teams.leave(make_user("dora"))
    assert submit(competition, make_user(), Upload.from_source(SOURCE)).submission.team == team
