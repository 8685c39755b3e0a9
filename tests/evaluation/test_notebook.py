"""Notebooks, in a real kernel: pages in frames, and a person's moves over the loopback server."""

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

import evaluation
from evaluation import notebook
from evaluation.errors import InvalidArgument
from tests.evaluation.test_player import Parsed, part
from tests.evaluation.test_rendering import attributes
from tests.notebooks import executed, page_in

RENDER = """
import evaluation
env = evaluation.make("connectx")
env.run(["random", "random"])
env.render(mode="ipython", width=640, height="80%")
"""
PLAY = """
evaluation.make("connectx").play([None, "negamax"])
"""


@pytest.fixture(scope="module")
def outputs() -> Iterator[list[list[Any]]]:
    with executed(RENDER, PLAY) as outputs:
        yield outputs


@pytest.fixture
def address(outputs: list[list[Any]]) -> str:
    """Where the page of the play posts to."""
    return attributes(page_in(outputs[1])[0])["play"]


def post(address: str, message: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc, timeout=20)
    body = message if isinstance(message, str) else json.dumps(message)
    connection.request("POST", place.path, body, {"Origin": "null", **headers})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def test_page_is_shown_in_a_frame_with_scripts_alone(outputs: list[list[Any]]) -> None:
    page, markup = page_in(outputs[0])
    assert 'sandbox="allow-scripts"' in markup
    assert 'width="640" height="80%"' in markup
    assert part(page, "replay")["name"] == "connectx"
    assert Parsed(markup).tags == ["div", "iframe"]


def test_page_to_play_on_waits_for_the_person(outputs: list[list[Any]]) -> None:
    page, markup = page_in(outputs[1])
    given = attributes(page)
    assert (given["seat"], given["autoplay"], given["step"]) == ("0", "", "0")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}", given["play"])
    assert part(page, "replay")["info"]["TeamNames"] == ["You", "negamax"]
    assert f'height="{notebook.HEIGHT}"' in markup


def test_action_is_answered_with_the_steps_up_to_the_next_turn(address: str) -> None:
    assert len(post(address, {"again": True})[1]["steps"]) == 1
    status, answer = post(address, {"action": 3})
    assert status == 200
    assert (answer["from"], len(answer["steps"])) == (1, 2)
    assert answer["steps"][0][0]["action"] == 3
    assert answer["statuses"] == ["ACTIVE", "INACTIVE"]


def test_invalid_action_ends_the_episode_and_a_new_one_begins(address: str) -> None:
    post(address, {"again": True})
    _, answer = post(address, {"action": 99})
    assert answer["statuses"] == ["INVALID", "DONE"]
    assert "invalid move" in answer["info"]["result"]["cause"]
    assert "reset" in post(address, {"action": 1})[1]["error"]
    _, answer = post(address, {"again": True})
    assert (answer["from"], len(answer["steps"])) == (0, 1)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1:8888"}, 403),
        ({"Origin": "https://evil.test"}, 403),
        ({"Host": "evil.test"}, 403),
        ({"Content-Length": "999999"}, 400),
    ],
)
def test_server_answers_only_its_own_page(
    address: str, headers: dict[str, str], status: int
) -> None:
    assert post(address, {"again": True}, **headers)[0] == status


def test_server_needs_the_secret_of_the_play(address: str) -> None:
    wrong = address[:-1] + ("0" if address[-1] != "0" else "1")
    status, answer = post(wrong, {"again": True})
    assert (status, answer["error"]) == (404, "This play is over: run its cell again.")
    assert post(address, "no JSON")[0] == 400
    assert "object" in post(address, "7")[1]["error"]


@pytest.mark.parametrize("value", ["wide", "10em;position:fixed", -3, None, '1"><b>', ""])
def test_size_is_a_number_or_a_share(value: Any) -> None:
    pytest.importorskip("IPython")
    with pytest.raises(InvalidArgument, match="width is a number of pixels"):
        notebook.show("", {"width": value})


def test_two_seats_cannot_be_played_by_one_person() -> None:
    with pytest.raises(InvalidArgument, match="one seat"):
        evaluation.make("connectx").play([None, None])


def test_a_person_plays_the_first_seat_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    env = evaluation.make("tictactoe")
    env.play()
    played, trainer = list(notebook.interactives.values())[-1]
    assert trainer.position == 0
    assert played.info["TeamNames"] == ["You", "random"]
    assert "TeamNames" not in env.info


def test_fields_of_ipywidgets_carry_a_message_to_the_kernel_and_its_answer_back() -> None:
    ipywidgets = pytest.importorskip("ipywidgets")
    widgets: list[Any] = []
    ipywidgets.Widget.on_widget_constructed(widgets.append)
    evaluation.make("connectx").play([None, "random"])
    ipywidgets.Widget.on_widget_constructed(None)
    asked, answered = (each for each in widgets if isinstance(each, ipywidgets.Text))
    assert asked.placeholder.split()[1] == answered.placeholder.split()[1]
    asked.value = json.dumps({"number": 4, "message": {"action": 3}})
    said = json.loads(answered.value)
    assert said["number"] == 4
    assert said["answer"]["steps"][0][0]["action"] == 3
