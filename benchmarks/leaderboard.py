"""The leaderboard with 1,000 entrants and 100,000 episodes behind it, beside an empty view."""

from benchmarks.measure import Row, alternate
from benchmarks.site import Site

ROUNDS = 60
PATH = "/competitions/crowd/leaderboard/"

FILL = """
import itertools, random
from django.utils import timezone
from league.models import *
chance, now = random.Random(1), timezone.now()
c = Competition.objects.create(slug="crowd", title="Crowd", environment="connectx", is_paused=True)
teams = Team.objects.bulk_create(Team(name=f"Team {n}") for n in range(1000))
subs = Submission.objects.bulk_create(
    Submission(competition=c, team=t, kind="file", status="ACTIVE", sha256=f"{n:064x}",
               created=now, status_since=now) for n, t in enumerate(teams))
entrants = Entrant.objects.bulk_create(Entrant(submission=s, competition=c) for s in subs)
elos = sorted((chance.gauss(1000, 200) for _ in entrants), reverse=True)
Rating.objects.bulk_create(
    Rating(entrant=e, elo=elos[n], se=chance.uniform(20, 120), matches=100,
           wins=50, draws=0, losses=50, rank=n + 1, rank_low=n + 1, rank_high=n + 9,
           is_provisional=n % 10 == 0, spark=[chance.randrange(800, 1200) for _ in range(24)])
    for n, e in enumerate(entrants))
for start in range(0, 50000, 5000):
    ms = Match.objects.bulk_create(
        Match(competition=c, state="DONE", state_since=now, created=now, ended=now, key=1,
              is_rated=True) for _ in range(5000))
    pairs = [chance.sample(subs, 2) for _ in ms]
    MatchSeat.objects.bulk_create(
        MatchSeat(match=m, number=i, submission=s, status="DONE", score=i, reward=i)
        for m, pair in zip(ms, pairs) for i, s in enumerate(pair))
    es = Episode.objects.bulk_create(Episode(match=m, number=n, steps=20)
                                     for m in ms for n in (0, 1))
    EpisodeSeat.objects.bulk_create(
        EpisodeSeat(episode=e, number=i, submission=s, status="DONE", reward=i, score=i)
        for e, pair in zip(es, itertools.chain.from_iterable((p, p) for p in pairs))
        for i, s in enumerate(pair))
"""


def crowded_leaderboard(site: Site) -> list[Row]:
    site.manage("shell", "-c", FILL)
    for _ in range(5):
        site.get(PATH), site.get("/healthz")
    page, empty = alternate(lambda: site.get(PATH), lambda: site.get("/healthz"), ROUNDS)
    queries = {_queries(site, f"{PATH}?page={number}") for number in (1, 2, 20)}
    return [
        Row(
            "leaderboard, 1,000 entrants, 100,000 episodes, median",
            f"{page * 1000:.1f} ms",
            "30 ms",
            page < 0.030,
        ),
        Row(
            "leaderboard over an empty view of the same server",
            f"{page / empty:.1f} times",
            "5 times",
            page / empty <= 5,
        ),
        Row(
            "queries of a leaderboard page (first, second, last)",
            "/".join(map(str, sorted(queries))),
            "constant",
            len(queries) == 1,
        ),
    ]


def _queries(site: Site, path: str) -> int:
    code = (
        "from django.test import Client; from django.db import connection\n"
        "from django.test.utils import CaptureQueriesContext\n"
        "with CaptureQueriesContext(connection) as found:\n"
        f"    assert Client(HTTP_HOST='127.0.0.1').get({path!r}).status_code == 200\n"
        "print(len(found))"
    )
    return int(site.manage("shell", "-v", "0", "-c", code).splitlines()[-1])
