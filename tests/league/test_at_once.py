"""Limits and deadlines over HTTP, while twenty requests come at once and bodies come slowly."""

import json
import socket
import threading
import urllib.error
import urllib.request
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from league import submissions, tokens
from league.models import Entrant, Submission
from tests.factories import make_competition, make_submission, make_user

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 20
SOURCE = "def agent(observation):\n    return 0\n"


def at_once(work) -> list:
    """What `work(0)` to `work(19)` return, all begun at the same moment."""
    barrier, found = threading.Barrier(AT_ONCE), [None] * AT_ONCE

    def run(number: int) -> None:
        barrier.wait()
        try:
            found[number] = work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_twenty_posts_pass_the_daily_limit_exactly_as_often_as_it_says(live_server):
    competition = make_competition(daily_limit=5)
    token = tokens.issue(make_user())

    def post(number: int) -> int:
        request = urllib.request.Request(
            f"{live_server.url}/api/v1/competitions/{competition.slug}/submissions",
            data=json.dumps({"source": f"{SOURCE}# {number}"}).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert Counter(at_once(post)) == {201: 5, 429: 15}
    assert Submission.objects.count() == 5


def test_twenty_that_become_active_at_once_leave_the_two_newest_playing():
    competition, alice = make_competition(active_limit=2), make_user()
    rows = [make_submission(competition, alice, "VALIDATING") for _ in range(AT_ONCE)]
    at_once(lambda number: submissions.activate(rows[number]))
    playing = set(Entrant.objects.playing().values_list("submission", flat=True))
    newest = Submission.objects.order_by("-created", "-pk")[:2]
    assert playing == {row.pk for row in newest}
    states = Counter(Submission.objects.values_list("status", flat=True))
    assert states == {"ACTIVE": 2, "RETIRED": 18}


def test_an_upload_that_began_before_the_deadline_is_in_time(live_server):
    competition = make_competition(deadline=timezone.now() + timedelta(days=1))
    token = tokens.issue(make_user())
    in_time, late = (begun(live_server, competition, token, number) for number in range(2))
    in_time.send_half()
    competition.deadline = timezone.now() + timedelta(milliseconds=300)
    competition.save()
    threading.Event().wait(0.5)
    late.send_half()
    assert in_time.finish() == 201
    assert late.finish() == 403


class Begun:
    """A request of which only a part has been sent."""

    def __init__(self, address: tuple[str, int], head: str, body: bytes) -> None:
        self.connection = socket.create_connection(address, timeout=30)
        self.head, self.body = head.encode(), body

    def send_half(self) -> None:
        self.connection.sendall(self.head + self.body[:10])

    def finish(self) -> int:
        self.connection.sendall(self.body[10:])
        status = self.connection.makefile("rb").readline()
        self.connection.close()
        return int(status.split()[1])


def begun(live_server, competition, token: str, number: int) -> Begun:
    body = json.dumps({"source": f"{SOURCE}# {number}"}).encode()
    path = f"/api/v1/competitions/{competition.slug}/submissions"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {live_server.thread.host}\r\nConnection: close\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return Begun((live_server.thread.host, live_server.thread.port), head, body)
