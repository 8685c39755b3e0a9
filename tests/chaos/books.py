"""Whether the books of a league add up: an independent count of its rows, in plain Python."""

import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from league.models import (
    Attempt,
    Entrant,
    Episode,
    EpisodeSeat,
    Match,
    MatchSeat,
    PairCount,
    Rating,
    Submission,
)
from tests.chaos.league import League
from tests.chaos.names import SLUG

TALLIES = ("matches", "wins", "draws", "losses", "crashes", "first_seats")


class Books:
    """All rows of a league that has come to rest, read once."""

    def __init__(self, league: League) -> None:
        self.league = league
        self.matches = {m.pk: m for m in league.rows(Match)}
        self.attempts = list(league.rows(Attempt).order_by("match_id", "number"))
        self.match_seats = list(league.rows(MatchSeat).order_by("match_id", "number"))
        self.episodes = {e.pk: e for e in league.rows(Episode)}
        self.seats: dict[int, list[EpisodeSeat]] = defaultdict(list)
        for seat in league.rows(EpisodeSeat).order_by("episode_id", "number"):
            self.seats[seat.episode_id].append(seat)
        self.entrants = {e.submission_id: e.pk for e in league.rows(Entrant)}

    def check(self) -> None:
        self.check_matches()
        self.check_attempts()
        self.check_files()
        self.check_match_seats()
        self.check_tallies()
        self.check_pair_counts()
        self.check_submissions()
        self.check_ladder()

    def check_matches(self) -> None:
        """Exactly one result for each episode of a match; none for one that was given up."""
        numbers = defaultdict(list)
        for episode in self.episodes.values():
            numbers[episode.match_id].append(episode.number)
        for pk, match in self.matches.items():
            assert match.state in {"DONE", "ABORTED"}, (match, match.state)
            expected = [0] if match.purpose == "self_play" else [0, 1]
            if match.state == "ABORTED":
                expected = []
                assert "Our fault: " in match.reason or "has left: " in match.reason
            assert sorted(numbers[pk]) == expected, (match, match.state)
            assert match.is_rated == (match.purpose == "rated" and match.state == "DONE")

    def check_attempts(self) -> None:
        """Of the attempts of a match that was played the last one counts, and no other."""
        states = defaultdict(list)
        for attempt in self.attempts:
            states[attempt.match_id].append(attempt.state)
            assert attempt.ended, attempt
        for pk, match in self.matches.items():
            *earlier, last = states[pk]
            assert len(states[pk]) == match.attempt_number
            assert (last == "DONE") == (match.state == "DONE"), (match, states[pk])
            assert {*earlier} <= {"LOST", "FAILED"}, (match, states[pk])

    def check_files(self) -> None:
        """A replay and a log for each episode."""
        for kind in ("replays", "logs"):
            folder = self.league.folder / "episodes" / kind
            found = [path for path in folder.rglob("*") if path.is_file()]
            named = {int(p.name.split(".")[0]) for p in found if not p.name.startswith(".")}
            assert named >= {*self.episodes}

    def check_match_seats(self) -> None:
        """A match seat is the sum of its submission's seats in the match's episodes."""
        scores, rewards = defaultdict(list), Counter()
        for episode in self.episodes.values():
            for seat in self.seats[episode.pk]:
                key = (episode.match_id, seat.submission_id)
                scores[key].append(seat.score)
                rewards[key] += seat.reward or 0.0
        for seat in self.match_seats:
            match, key = self.matches[seat.match_id], (seat.match_id, seat.submission_id)
            if match.purpose != "rated" or match.state == "ABORTED":
                continue
            assert seat.score == pytest.approx(sum(scores[key]) / 2), seat
            assert seat.reward == pytest.approx(rewards[key]), seat

    def check_tallies(self) -> None:
        wanted: dict[int, Counter[str]] = defaultdict(Counter)
        for seat in self.match_seats:
            if self.matches[seat.match_id].is_rated:
                tally = wanted[self.entrants[seat.submission_id]]
                tally.update(["matches", _word(seat.score)])
        for _, seats in self.rated_episodes():
            for seat in seats:
                tally = wanted[self.entrants[seat.submission_id]]
                tally.update(crashes=bool(seat.verdict), first_seats=seat.number == 0)
        for row in self.league.rows(Rating):
            found = {name: getattr(row, name) for name in TALLIES}
            assert found == {name: wanted[row.entrant_id][name] for name in TALLIES}, row

    def check_pair_counts(self) -> None:
        wanted: dict[tuple[int, int], list[float]] = defaultdict(lambda: [0, 0, 0])
        for _, first, second, score in self.log():
            wanted[first, second][{1.0: 0, 0.5: 1, 0.0: 2}[score]] += 1
        rows = self.league.rows(PairCount).values_list(
            "first_id", "second_id", "wins", "draws", "losses"
        )
        assert {(a, b): [*counts] for a, b, *counts in rows} == wanted

    def check_submissions(self) -> None:
        for row in self.league.rows(Submission):
            assert row.status in {"ACTIVE", "RETIRED"}, (row, row.status, row.verdict_message)
            assert row.pk in self.entrants

    def check_ladder(self) -> None:
        """The published ratings are those of a fit that has seen nothing but the log."""
        anchor = self.entrants[self.league.competition.anchor_id]
        log = {"rows": self.log(), "entrants": [*self.entrants.values()], "anchor": anchor}
        fitted = json.loads(self.league.run("-m", "tests.chaos.fit_log", text=json.dumps(log)))
        published = {str(row.entrant_id): row.elo for row in self.league.rows(Rating)}
        assert published == pytest.approx(fitted, abs=1e-6)
        assert float(self.league.run("manage.py", "recompute", SLUG)) < 1e-6

    def rated_episodes(self) -> list[tuple[Episode, list[EpisodeSeat]]]:
        return [
            (episode, self.seats[pk])
            for pk, episode in sorted(self.episodes.items())
            if self.matches[episode.match_id].is_rated
        ]

    def log(self) -> list[tuple[int, int, int, float]]:
        """(episode, first entrant, second entrant, score of the first) of all that is rated."""
        return [
            (episode.pk, *(self.entrants[seat.submission_id] for seat in seats), _score(seats))
            for episode, seats in self.rated_episodes()
        ]


def _score(seats: list[EpisodeSeat]) -> float:
    """By the rewards; without one (a fault) a seat is below all that have one."""
    first, second = (float("-inf") if s.reward is None else s.reward for s in seats)
    return 0.5 + 0.5 * ((first > second) - (first < second))


def _word(score: Any) -> str:
    return "draws" if score == 0.5 else "wins" if score > 0.5 else "losses"
