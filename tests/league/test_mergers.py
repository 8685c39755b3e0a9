"""Mergers: what becomes of submissions, limits and deadlines; people who join at the same time."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from league import matches, matchmaking, outbox, quota, teams
from league.errors import Forbidden, LeagueError, LimitReached
from league.models import AuditEntry, Competition, Entrant, Ladder, Match, Submission, Team
from league.submissions import Upload, limits, submit
from league.teams import team_of
from tests.factories import make_competition, make_entrant, make_submission, make_user
from tests.league.test_matches import episode_result, result_of
from tests.league.test_matchmaking import report
from tests.league.test_teams import make_team, names_in, refusal

pytestmark = pytest.mark.django_db
SOURCE = "def agent(obs, config):\n    return 0\n"


def at_once(*verbs) -> list:
    """Each in a thread and a connection of its own: what it returned, or its LeagueError."""
    barrier, results = threading.Barrier(len(verbs)), [None] * len(verbs)

    def run(number: int, verb) -> None:
        barrier.wait()
        try:
            results[number] = verb()
        except LeagueError as refused:
            results[number] = refused
        connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(verbs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def in_final() -> Competition:
    """A competition that bob has entered, now past its deadline."""
    now = timezone.now()
    competition = make_competition(opens_at=now - timedelta(days=9))
    make_entrant(competition, make_user("bob"))
    competition.deadline, competition.closes_at = now - timedelta(1), now + timedelta(1)
    competition.save()
    return competition


# What becomes of the submissions.


def test_the_newest_active_ones_of_both_teams_play_and_the_others_retire() -> None:
    competition, alice, bob = make_competition(active_limit=2), make_user(), make_user("bob")
    other = make_competition("second", active_limit=1)
    oldest = make_entrant(competition, bob).submission
    alices = make_entrant(competition, alice).submission
    newer = make_entrant(competition, alice).submission
    newest = make_entrant(competition, bob).submission
    untouched = make_entrant(other, alice).submission
    code = teams.invite(alice)
    promised = teams.offer(bob, code, timezone.now()).plan.displaced
    done = teams.join(bob, code)
    assert set(promised) == set(done.retired) == {oldest, alices}
    playing = Entrant.objects.playing().values_list("submission", flat=True)
    assert set(playing) == {newer.pk, newest.pk, untouched.pk}
    assert set(Submission.objects.filter(status="RETIRED")) == {oldest, alices}
    reason = AuditEntry.objects.get(action="merge").reason
    assert reason == f"2 submissions moved; retired: #{alices.pk}, #{oldest.pk}"


@pytest.mark.parametrize(
    ("status", "after"),
    [
        ("PENDING", "RETIRED"), ("VALIDATING", "RETIRED"), ("ACTIVE", "RETIRED"),
        ("REJECTED", "REJECTED"), ("DISQUALIFIED", "DISQUALIFIED"),
    ],
)  # fmt: skip
def test_a_duplicate_of_the_newcomer_retires_where_it_is(status, after) -> None:
    competition, alice, bob = make_competition(), make_user(), make_user("bob")
    kept = make_entrant(competition, alice).submission
    double = make_entrant(competition, bob).submission
    Submission.objects.filter(pk=double.pk).update(status=status, sha256=kept.sha256)
    before = team_of(bob)
    teams.join(bob, teams.invite(alice))
    double.refresh_from_db()
    assert (double.team, double.status) == (before, after)
    assert Entrant.objects.playing().filter(submission=kept).exists()
    is_playing = Entrant.objects.playing().filter(submission=double).exists()
    assert is_playing == (after != "RETIRED")


def test_agents_at_the_same_url_are_no_duplicates() -> None:
    competition, alice, bob = make_competition(), make_user(), make_user("bob")
    for user in (alice, bob):
        submit(competition, user, Upload.from_url("https://agents.example.org/"))
    teams.join(bob, teams.invite(alice))
    assert team_of(alice).submissions.count() == 2


def test_what_is_in_a_closed_competition_stays_with_the_team_that_entered_it() -> None:
    competition, alice, bob = make_competition(), make_user(), make_user("bob")
    submission = make_entrant(competition, bob).submission
    Competition.objects.update(closes_at=timezone.now() - timedelta(hours=1), max_team_size=1)
    before = team_of(bob)
    teams.join(bob, teams.invite(alice))
    submission.refresh_from_db()
    assert (submission.team, submission.status) == (before, "ACTIVE")
    # Its logs are its people's to read all the same.
    assert submission in Submission.objects.visible_details_to(bob)


def test_what_was_submitted_by_one_team_is_private_to_it_after_a_merger() -> None:
    competition, alice, bob = make_competition(), make_user(), make_user("bob")
    submission = make_submission(competition, bob)
    teams.join(bob, teams.invite(alice))
    assert submission in Submission.objects.visible_details_to(alice)
    teams.leave(bob)
    assert submission not in Submission.objects.visible_details_to(bob)
    assert submission not in Submission.objects.visible_details_to(make_user("eve"))


# Limits.


def test_the_daily_limits_of_two_teams_are_one() -> None:
    competition, alice, bob = make_competition(daily_limit=3), make_user(), make_user("bob")
    for user, statuses in ((alice, ["ACTIVE", "REJECTED"]), (bob, ["REJECTED", "PENDING"])):
        for status in statuses:
            make_submission(competition, user, status)
    code = teams.invite(alice)
    message = refusal("daily_limit", teams.join, bob, code)
    assert message.startswith("Together you have sent 4 submissions to Connectx today")
    Submission.objects.filter(status="PENDING").update(verdict="platform_fault")
    teams.join(bob, code)
    assert limits(competition, alice).used_today == 3


def test_submissions_of_yesterday_stand_against_no_merger() -> None:
    competition, alice, bob = make_competition(daily_limit=1), make_user(), make_user("bob")
    for user in (alice, bob):
        make_submission(competition, user)
    Submission.objects.filter(team=team_of(bob)).update(created=quota.day_start() - timedelta(1))
    teams.join(bob, teams.invite(alice))
    assert names_in(team_of(alice)) == ["alice", "bob"]


def test_a_lowered_limit_stands_against_no_merger_that_adds_nothing() -> None:
    competition, alice, bob = make_competition(), make_user(), make_user("bob")
    for _ in range(3):
        make_submission(competition, alice)
    Competition.objects.update(daily_limit=2)
    teams.join(bob, teams.invite(alice))
    assert names_in(team_of(alice)) == ["alice", "bob"]


def test_who_leaves_an_agent_behind_enters_no_other_against_it() -> None:
    competition = make_competition(active_limit=1)
    make_team("alice", "bob")
    bob = make_user("bob")
    left = submit(competition, bob, Upload.from_source(SOURCE)).submission
    teams.leave(bob)
    with pytest.raises(Forbidden, match="still plays here for alice"):
        submit(competition, bob, Upload.from_source(SOURCE + "#"))
    Submission.objects.filter(pk=left.pk).update(status="RETIRED")
    assert submit(competition, bob, Upload.from_source(SOURCE + "#")).created


def test_who_leaves_has_no_fresh_daily_limit() -> None:
    competition = make_competition(daily_limit=2)
    make_team("alice", "bob")
    alice, bob = make_user(), make_user("bob")
    submit(competition, bob, Upload.from_source(SOURCE))
    submit(competition, bob, Upload.from_source(SOURCE + "#"))
    teams.leave(bob)
    Submission.objects.update(status="RETIRED")
    assert limits(competition, bob).left_today == limits(competition, alice).left_today == 0
    with pytest.raises(LimitReached):
        submit(competition, bob, Upload.from_source(SOURCE + "##"))


@pytest.mark.parametrize("entered_by", ["alice", "bob"])
def test_no_team_grows_beyond_the_size_of_what_it_has_entered(entered_by) -> None:
    competition = make_competition(max_team_size=2)
    make_team("alice", "dora")
    submission = make_submission(competition, make_user(entered_by))
    code, bob = teams.invite(make_user()), make_user("bob")
    message = refusal("team_too_large", teams.join, bob, code)
    assert message == "Together you would be 3; in Connectx a team has 2 at most."
    submission.status = "RETIRED"
    submission.save()
    teams.join(bob, code)
    assert team_of(bob).memberships.count() == 3


def test_a_size_of_zero_is_any_size() -> None:
    competition = make_competition(max_team_size=0)
    make_submission(competition, make_user())
    team = make_team("alice", *(f"member{n}" for n in range(7)))
    assert team.memberships.count() == 8
    teams.require_admitted(competition, team, make_user())


# Deadlines.


@pytest.mark.parametrize("newcomer", ["alice", "bob"])
def test_nobody_joins_once_either_team_is_in_a_final_evaluation(in_final, newcomer) -> None:
    host = {"alice": "bob", "bob": "alice"}[newcomer]
    code = teams.invite(make_user(host))
    message = refusal("final_evaluation", teams.join, make_user(newcomer), code)
    assert message.startswith("Connectx is in its final evaluation: until it closes")


def test_nobody_leaves_or_is_removed_during_a_final_evaluation(in_final) -> None:
    Competition.objects.update(deadline=None)
    team = make_team("bob", "alice")
    Competition.objects.update(deadline=timezone.now() - timedelta(hours=1))
    bob, alice = make_user("bob"), make_user()
    for verb, people in ((teams.leave, (alice,)), (teams.remove, (bob, alice))):
        refusal("final_evaluation", verb, *people)
    Competition.objects.update(closes_at=timezone.now())
    teams.leave(alice)
    assert names_in(team) == ["bob"]
    assert team.submissions.count() == 1


def test_the_deadline_is_judged_at_arrival(in_final) -> None:
    in_time = in_final.deadline - timedelta(seconds=1)
    make_team("alice", "dora")
    code, bob = teams.invite(make_user()), make_user("bob")
    teams.join(bob, code, arrived=in_time)
    teams.leave(bob, arrived=in_time)
    assert names_in(team_of(make_user())) == ["alice", "dora"]


def test_after_the_lock_an_early_arrival_is_too_late(in_final) -> None:
    Ladder.objects.update(locked_at=timezone.now())
    in_time = in_final.deadline - timedelta(seconds=1)
    refusal(
        "final_evaluation", teams.join, make_user(), teams.invite(make_user("bob")), arrived=in_time
    )


@pytest.mark.parametrize("status", ["REJECTED", "RETIRED"])
def test_who_is_out_of_the_field_is_free_to_go(in_final, status) -> None:
    Submission.objects.update(status=status)
    teams.join(make_user("bob"), teams.invite(make_user()))
    assert names_in(team_of(make_user())) == ["alice", "bob"]


# Matches of two that become one team.


def test_two_submissions_of_one_team_are_paired_no_more() -> None:
    competition, alice, bob = make_competition(active_limit=4), make_user(), make_user("bob")
    for user in (alice, bob):
        make_entrant(competition, user)
    teams.join(bob, teams.invite(alice))
    report()
    assert matchmaking.pair(competition) == 0


def test_a_match_under_way_between_the_two_is_finished_and_counts() -> None:
    competition, alice, bob = make_competition(active_limit=1), make_user(), make_user("bob")
    seats = [make_entrant(competition, user).submission for user in (alice, bob)]
    match = outbox.schedule(competition, Match.Purpose.RATED, seats)
    assert outbox.dispatch(match.pk)
    teams.join(bob, teams.invite(alice))
    attempt = match.attempts.get()
    assert matches.record(result_of(attempt, episode_result(), episode_result((-1, 1))))
    match.refresh_from_db()
    assert (match.state, match.is_rated) == ("DONE", True)


# At the same time.


@pytest.mark.django_db(transaction=True)
def test_twenty_simultaneous_joins_do_not_pass_the_size_of_a_team() -> None:
    competition = make_competition(max_team_size=5)
    alice, users = make_user(), [make_user(f"user{n}") for n in range(20)]
    make_submission(competition, alice)
    code = teams.invite(alice)
    results = at_once(*(lambda user=user: teams.join(user, code) for user in users))
    refused = [result.code for result in results if isinstance(result, LeagueError)]
    assert refused == ["team_too_large"] * 16
    assert team_of(alice).memberships.count() == 5
    assert Team.objects.filter(merged_into=team_of(alice)).count() == 4
    assert all(user.pk for user in users if team_of(user).memberships.get(user=user))


@pytest.mark.django_db(transaction=True)
def test_two_teams_that_join_each_other_become_one() -> None:
    alice, bob = make_user(), make_user("bob")
    codes = teams.invite(alice), teams.invite(bob)
    results = at_once(lambda: teams.join(alice, codes[1]), lambda: teams.join(bob, codes[0]))
    assert sorted(getattr(result, "code", "") for result in results) in (
        ["", "not_found"], ["", "team_changed"], ["", "same_team"],
    )  # fmt: skip
    assert team_of(alice) == team_of(bob)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_submitted_to_a_team_that_dissolves_meanwhile() -> None:
    competition, alice, bob = make_competition(daily_limit=3), make_user(), make_user("bob")
    code, before = teams.invite(alice), team_of(bob)
    uploads = [Upload.from_source(f"{SOURCE}# {number}") for number in range(5)]
    results = at_once(
        *(lambda upload=upload: submit(competition, bob, upload) for upload in uploads),
        lambda: teams.join(bob, code),
    )
    refused = {result.code for result in results if isinstance(result, LeagueError)}
    assert refused <= {"daily_limit", "team_changed"}
    assert not before.submissions.exists()
    assert team_of(alice).submissions.count() == limits(competition, alice).used_today <= 3
