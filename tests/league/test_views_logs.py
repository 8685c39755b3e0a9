"""The owner's logs: what each move cost, drawn against the limit, and what was printed."""

import pytest

from evaluation import replay
from league import storage
from league.models import EpisodeSeat
from tests.factories import make_competition, make_entrant, make_house_bots, make_rated_match
from tests.factories import make_user as user

pytestmark = pytest.mark.django_db


def move(step, seconds, **more):
    return {"step": step, "stdout": "", "stderr": "", "seconds": seconds, "bank_left": 60.0} | more


@pytest.fixture
def mine(client):
    competition = make_competition(configuration={"actTimeout": 2})
    make_house_bots(competition)
    client.force_login(user())
    return make_entrant(competition, user()).submission


@pytest.fixture
def page_of(client, mine):
    """The page of an episode in which `mine` sat first and made these moves."""

    def page_of(*moves):
        episode = make_rated_match(mine.competition, mine, mine.competition.anchor).episodes.get(
            number=0
        )
        logs = replay.to_bytes({"seats": [list(moves), []]})
        storage.save_episode_files(episode.pk, replay.to_bytes({}), logs)
        return client.get(f"/submissions/{mine.pk}/logs/?episode={episode.pk}").text

    return page_of


def test_a_boxed_move_shows_charged_passed_computed_waited_and_the_bank(page_of):
    page = page_of(move(1, 0.25, wall=0.75, cpu=0.2, delay=0.5), move(3, 0.004, bank_left=58.5))
    for piece in ("250 ms", "750 ms", "200 ms", "500 ms", "4.0 ms", "58.50 s"):
        assert piece in page
    assert "0.25 s charged, of 0.75 s that passed" in page
    assert "waited for a processor for 0.50 s" in page
    assert "Round trip" not in page


def test_a_remote_move_shows_round_trip_and_reported_thinking_apart(page_of):
    page = page_of(move(1, 0.4, wall=0.4, think=0.1))
    assert "0.40 s there and back, of which the agent says that it thought 0.10 s" in page
    assert "Round trip" in page
    assert "Computed" not in page


def test_logs_from_before_the_times_were_kept_show_what_there_is(page_of):
    page = page_of(move(1, 0.4))
    assert "0.40 s in all" in page
    assert "Computed" not in page
    assert "Round trip" not in page


def test_what_is_over_the_limit_is_drawn_apart(page_of):
    within, over = page_of(move(1, 0.5)), page_of(move(1, 3.0))
    assert "own-part" in within
    assert "over-part" not in within
    assert "over-part" in over


def test_values_that_no_clock_gives_are_shown_as_unknown_and_output_as_text(page_of):
    hostile = move("one", "<b>long", wall=[1], cpu={}, stdout="</pre><script>alert(1)</script>")
    page = page_of(hostile)
    assert "<script>alert" not in page
    assert "<b>long" not in page
    assert "&lt;/pre&gt;&lt;script&gt;" in page


def test_the_verdict_comes_with_its_reason_and_advice(client, page_of, mine):
    page_of(move(1, 0.1))
    seat = EpisodeSeat.objects.filter(submission=mine).latest("pk")
    seat.verdict, seat.verdict_reason = "network_failure", "tls"
    seat.verdict_message = "Move 1: The certificate has expired."
    seat.save()
    page = client.get(f"/submissions/{mine.pk}/logs/?episode={seat.episode_id}").text
    for piece in (
        "network failure</a> (tls): Move 1",
        "Renew the certificate",
        "#network_failure_",
    ):
        assert piece in page


def test_the_page_costs_as_many_queries_for_many_episodes_as_for_few(
    client, page_of, mine, django_assert_max_num_queries
):
    for _ in range(8):
        page_of(move(1, 0.1))
    with django_assert_max_num_queries(9):
        client.get(f"/submissions/{mine.pk}/logs/")


def test_the_api_gives_each_moves_times(client, page_of, mine):
    page_of(move(1, 0.25, wall=0.75, cpu=0.2, delay=0.5))
    (item,) = client.get(f"/api/v1/submissions/{mine.pk}/logs").json()["items"][1:]
    (step,) = item["steps"]
    times = {"seconds": 0.25, "wall": 0.75, "cpu": 0.2, "delay": 0.5, "think": None}
    assert {name: step[name] for name in times} == times
