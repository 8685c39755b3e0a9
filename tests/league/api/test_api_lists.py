"""Competitions, leaderboard and matches: newest first, in windows, at a constant cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from league.models import Attempt, Ladder, RatingPoint, Submission
from tests.factories import (
    make_competition,
    make_entrant,
    make_house_bots,
    make_match,
    make_rated_match,
    make_submission,
    make_user,
)
from tests.league.api.calls import make_episode

pytestmark = pytest.mark.django_db


def queries_of(who, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert who.get(path).status_code == 200
    return len(queries)


def add_match(competition, names=("alice", "bob"), state: str = "DONE", **fields):
    seats = [make_submission(competition, make_user(name)) for name in names]
    match = make_match(competition, seats, state=state, **fields)
    Attempt.objects.create(match=match, number=1, token="t", sent=timezone.now())
    if state == "DONE":
        for number in range(2):
            make_episode(match, number)
    return match


def test_competition_tells_what_is_played_and_under_which_limits(anyone, connectx):
    answer = anyone.get("/competitions/connectx").json()
    assert answer["environment"] == "connectx"
    assert answer["configuration"]["columns"] == 7
    assert answer["configuration"]["actTimeout"] > 0
    assert answer["phase"] == "open"
    limits = answer["limits"]
    assert (limits["daily"], limits["active"], limits["upload_bytes"]) == (5, 2, 20 * 2**20)
    assert limits["used_today"] is limits["left_today"] is None
    assert limits["closed_reason"] == ""


def test_limits_say_what_is_left_for_the_caller(alice, bob, connectx):
    make_submission(connectx, alice.user, "REJECTED")
    make_submission(connectx, alice.user, "REJECTED", verdict="platform_fault")
    yesterday = make_submission(connectx, alice.user)
    Submission.objects.filter(pk=yesterday.pk).update(created=timezone.now() - timedelta(days=1))
    other = make_competition("other")
    make_submission(other, alice.user)
    make_submission(other, alice.user)
    for path in ("/competitions/connectx", "/competitions/other"):
        assert bob.get(path).json()["limits"]["left_today"] == 5
    assert alice.get("/competitions/connectx").json()["limits"]["left_today"] == 4
    listed = {row["slug"]: row["limits"] for row in alice.get("/competitions").json()["items"]}
    assert {slug: limits["used_today"] for slug, limits in listed.items()} == {
        "connectx": 1,
        "other": 2,
    }


def test_closed_competition_says_why(anyone, connectx):
    now = timezone.now()
    connectx.opens_at, connectx.deadline = now - timedelta(days=2), now - timedelta(days=1)
    connectx.save()
    answer = anyone.get("/competitions/connectx").json()
    assert answer["phase"] == "final"
    assert "deadline" in answer["limits"]["closed_reason"]


def test_competitions_are_listed_newest_first(anyone, connectx):
    make_competition("newer", opens_at=timezone.now() + timedelta(days=1))
    answer = anyone.get("/competitions").json()
    assert answer["count"] == 2
    assert [row["slug"] for row in answer["items"]] == ["newer", "connectx"]


def test_window_moves_over_a_list(anyone, connectx):
    ids = [add_match(connectx, state="QUEUED").pk for _ in range(5)]
    whole = anyone.get("/competitions/connectx/matches").json()
    part = anyone.get("/competitions/connectx/matches?limit=2&offset=1").json()
    beyond = anyone.get("/competitions/connectx/matches?offset=1000000").json()
    assert [row["id"] for row in whole["items"]] == ids[::-1]
    assert [row["id"] for row in part["items"]] == ids[::-1][1:3]
    assert beyond["items"] == []
    assert whole["count"] == part["count"] == beyond["count"] == 5


def test_match_tells_attempts_episodes_and_seats(anyone, connectx):
    match = add_match(connectx)
    match.seats.filter(number=0).update(status="DONE", reward=1.0, rating_change=12.345)
    match.seats.filter(number=1).update(status="TIMEOUT", verdict="move_timeout")
    answer = anyone.get(f"/matches/{match.pk}").json()
    assert (answer["state"], answer["competition"]) == ("DONE", "connectx")
    assert [attempt["number"] for attempt in answer["attempts"]] == [1]
    assert "token" not in answer["attempts"][0]
    assert [episode["number"] for episode in answer["episodes"]] == [0, 1]
    won, lost = answer["seats"]
    assert (won["team"], won["reward"], won["rating_change"]) == ("alice", 1.0, 12.35)
    assert (lost["status"], lost["verdict"]) == ("TIMEOUT", "move_timeout")
    assert lost["submission"] == match.seats.get(number=1).submission_id
    assert anyone.get("/competitions/connectx/matches").json()["items"] == [answer]


def test_match_has_no_episodes_until_it_is_played(anyone, connectx):
    match = add_match(connectx, state="DISPATCHED")
    assert anyone.get(f"/matches/{match.pk}").json()["episodes"] == []


def test_matches_are_filtered_by_state_and_submission(anyone, connectx):
    done, queued = add_match(connectx), add_match(connectx, state="QUEUED")
    itself = make_submission(connectx)
    against_itself = make_match(connectx, [itself, itself])
    add_match(make_competition("other"))
    path = "/competitions/connectx/matches"

    def listed(query: str) -> list[int]:
        answer = anyone.get(f"{path}?{query}").json()
        assert answer["count"] == len(answer["items"])
        return [row["id"] for row in answer["items"]]

    assert listed("state=DONE") == [done.pk]
    assert listed("state=QUEUED") == [against_itself.pk, queued.pk]
    assert listed(f"submission={itself.pk}") == [against_itself.pk]
    assert listed("state=ABORTED") == []


def test_leaderboard_has_a_row_per_entrant_best_first(anyone, connectx):
    make_house_bots(connectx)
    best = make_entrant(connectx, elo=1300.0, se=30.0, is_provisional=False, rank=1, rank_high=2)
    second = make_entrant(connectx, elo=1200.0, se=40.0, is_provisional=False, rank=2, wins=7)
    bob = make_entrant(connectx, make_user("bob"), elo=1900.0)
    answer = anyone.get("/competitions/connectx/leaderboard").json()
    assert answer["count"] == 6
    rows = answer["items"]
    assert [row["submission"] for row in rows[:3]] == [
        entrant.submission_id for entrant in (best, second, bob)
    ]
    assert (rows[0]["team"], rows[0]["rank"], rows[0]["rank_high"]) == ("alice", 1, 2)
    assert rows[0]["rating_low"] == pytest.approx(1300 - 1.96 * 30)
    assert rows[1]["wins"] == 7
    assert rows[2]["provisional"]
    assert [row["is_house_bot"] for row in rows] == [False] * 3 + [True] * 3
    assert [row["label"] for row in rows[2:4]] == [f"#{bob.submission_id}", "random"]


def test_leaderboard_per_team_keeps_the_best_of_each(anyone, connectx):
    for elo, name in ((1300.0, "alice"), (1200.0, "alice"), (1250.0, "bob"), (900.0, "bob")):
        make_entrant(connectx, make_user(name), elo=elo, is_provisional=False)
    answer = anyone.get("/competitions/connectx/leaderboard?per=team").json()
    assert answer["count"] == 2
    assert [(row["team"], row["rating"]) for row in answer["items"]] == [
        ("alice", 1300.0),
        ("bob", 1250.0),
    ]


def test_leaderboard_says_what_it_was_computed_from(anyone, connectx):
    make_entrant(connectx, elo=1300.0, matches=10, crashes=3, qualifying_rank=2)
    before = anyone.get("/competitions/connectx/leaderboard").json()
    assert (before["stage"], before["fitted_at"], before["seat_advantage"]) == ("open", None, None)
    Ladder.objects.update_or_create(
        competition=connectx,
        defaults={
            "fitted_at": timezone.now(), "fitted_position": 77, "data_hash": "ab" * 32,
            "rules_version": "1", "seat_advantage": 30.0, "seat_advantage_se": 5.0,
            "stage": "final", "locked_at": timezone.now(), "field_hash": "cd" * 32,
        },
    )  # fmt: skip
    answer = anyone.get("/competitions/connectx/leaderboard").json()
    row = answer["items"][0]
    assert (row["crash_share"], row["qualifying_rank"]) == (0.15, 2)
    assert (answer["stage"], answer["field_hash"]) == ("final", "cd" * 32)
    assert (answer["log_position"], answer["data_hash"]) == (77, "ab" * 32)
    assert [answer[f"seat_advantage{end}"] for end in ("_low", "", "_high")] == [20.2, 30.0, 39.8]
    assert answer["rules_version"] == "1"
    assert answer["locked_at"]
    assert answer["fitted_at"]


def test_ratings_of_a_submission_are_listed_with_their_matches(anyone, connectx):
    entrant = make_entrant(connectx)
    rival = make_entrant(connectx, make_user("bob"))
    match = make_rated_match(connectx, entrant.submission, rival.submission)
    for number, elo in enumerate((1050.0, 1100.0), start=1):
        RatingPoint.objects.create(entrant=entrant, match=match, elo=elo, se=50, matches=number)
    answer = anyone.get(f"/submissions/{entrant.submission_id}/ratings?limit=1").json()
    assert answer["count"] == 2
    (row,) = answer["items"]
    assert (row["rating"], row["rating_low"], row["rating_high"]) == (1100.0, 1002.0, 1198.0)
    assert (row["matches"], row["match"]) == (2, match.pk)


def test_matchups_set_what_was_scored_beside_what_was_expected(anyone, connectx):
    entrant = make_entrant(connectx, elo=1200.0, se=1.0)
    rival = make_entrant(connectx, make_user("bob"), elo=1000.0, se=1.0)
    for _ in range(10):
        make_rated_match(connectx, entrant.submission, rival.submission, score=0.5)
    answer = anyone.get(f"/submissions/{entrant.submission_id}/matchups").json()
    assert answer["count"] == 1
    (row,) = answer["items"]
    assert (row["submission"], row["team"], row["matches"]) == (rival.submission_id, "bob", 10)
    assert (row["scored"], row["beyond_chance"]) == (0.5, True)
    assert 0.70 < row["expected"] < 0.76
    nobody = make_submission(connectx, make_user("dora"), "PENDING")
    empty = anyone.get(f"/submissions/{nobody.pk}/matchups").json()
    assert empty == {"items": [], "count": 0}


def test_leaderboard_leaves_out_who_left(anyone, alice, connectx):
    entrant = make_entrant(connectx, alice.user)
    alice.post(f"/submissions/{entrant.submission_id}/retire")
    assert anyone.get("/competitions/connectx/leaderboard").json()["items"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/competitions", "/competitions/connectx/matches", "/competitions/connectx/leaderboard",
        "/competitions/connectx/leaderboard?per=team",
    ],
)  # fmt: skip
def test_lists_cost_the_same_however_long_they_are(alice, connectx, path):
    alice.get("/competitions")  # the token's use has been noted
    counts = []
    for size in (1, 6):
        for number in range(size):
            add_match(connectx)
            make_entrant(connectx, make_user(f"player{number}"))
            make_competition(f"more-{size}-{number}")
        counts.append(queries_of(alice, path))
    assert counts[0] == counts[1]
    assert counts[0] <= 10


@pytest.mark.parametrize("number", ["0", "-1", "9" * 30, "9" * 5000])
def test_a_number_that_no_database_holds_is_a_bad_field(alice, connectx, number):
    submission = make_submission(connectx, alice.user)
    for path in (
        f"/competitions/connectx/matches?submission={number}",
        f"/submissions/{submission.pk}/logs?episode={number}",
    ):
        answer = alice.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_field")
