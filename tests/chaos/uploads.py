"""Clients that send agents in while the site is killed, each until its request is taken."""

import json
import threading
from http.client import HTTPException

from league.models import IdempotencyRecord, Submission
from tests.chaos.league import League

RETRY_S = 0.2
AGENT = """
import time

def agent(observation, configuration):
    time.sleep({seconds})
    free = [cell for cell in range(9) if observation.board[cell] == 0]
    return free[{place} % len(free)]
"""


def agent(place: int) -> str:
    """One that takes the free cell in this place; some are slow enough to be killed at play."""
    return AGENT.format(place=place, seconds=0.05 * (place % 3))


class Clients:
    """One a person, sending in so many agents one after the other, with pauses."""

    def __init__(self, league: League, agents_each: int, pause_s: float) -> None:
        self.league = league
        self.agents_each = agents_each
        self.pause_s = pause_s
        self.answers: dict[tuple[str, str], list[int]] = {}
        self.refusals: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_all, args=(number, name), daemon=True)
            for number, name in enumerate(league.tokens)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def are_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def check(self) -> None:
        """Each key led to one submission, however often its request was sent."""
        assert len(self.answers) == self.agents_each * len(self._threads)
        for answers in self.answers.values():
            assert len({*answers}) == 1
        taken = {answers[0] for answers in self.answers.values()}
        rows = self.league.rows(Submission).exclude(kind="house")
        assert taken == {*rows.values_list("pk", flat=True)}
        assert len(taken) == len(self.answers)
        assert not self.league.rows(IdempotencyRecord).filter(status=None).exists()

    def _send_all(self, number: int, name: str) -> None:
        for turn in range(self.agents_each):
            key, source = f"{name}-{turn}", agent(number + turn * len(self._threads))
            # Once more after the answer, as a client does that did not get it.
            answers = [self._send_until_taken(name, source, key) for _ in range(2)]
            self.answers[name, key] = [answer for answer in answers if answer]
            self._stop.wait(self.pause_s)

    def _send_until_taken(self, name: str, source: str, key: str) -> int:
        """The submission's id; 0 if it was told to stop before."""
        while not self._stop.wait(RETRY_S):
            try:
                return self.league.upload(name, source, key)
            except (OSError, HTTPException, json.JSONDecodeError) as error:
                self.refusals.append(f"{key}: {error}")
        return 0
