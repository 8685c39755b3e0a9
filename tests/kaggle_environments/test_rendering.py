"""Episodes of kaggle-environments are shown: its text, its drawing functions, its whole viewers."""

import pytest

import evaluation
from evaluation import player, rendering
from league import drawings
from tests.kaggle_environments.parity import same
from tests.kaggle_environments.test_games import require

VIEWERS = ["crawl", "halite", "hungry_geese", "kore_fleets", "open_spiel_chess", "orbit_wars"]
FUNCTIONS = ["open_spiel_hex", "open_spiel_tic_tac_toe"]
FROM_ELSEWHERE = ["lux_ai_2021", "lux_ai_s2"]
CONFIGURATION = {"episodeSteps": 8, "includeLegalActions": True}


def played(make, name: str):
    env = make(name, dict(CONFIGURATION))
    agent = "random" if "random" in env.agents else "random_agent"
    env.run([agent, agent])
    return env


@pytest.mark.parametrize("name", [*VIEWERS[1:], *FUNCTIONS, "planet_wars", "reinforce_tactics"])
def test_its_text_is_the_same(name):
    require(name)
    assert same(lambda make: played(make, name).render(mode="ansi"))


@pytest.mark.parametrize("name", [*VIEWERS, *FUNCTIONS, *FROM_ELSEWHERE])
def test_its_page_is_made(name):
    require(name)
    assert played(evaluation.make, name).render(mode="html").lower().startswith("<!doctype html>")


@pytest.mark.parametrize("name", [*VIEWERS, *FUNCTIONS])
def test_the_site_frames_its_drawing(name):
    require(name)
    framed = drawings.framed(name)
    assert framed.packed
    assert "sandbox allow-scripts" in framed.policy


@pytest.mark.parametrize("name", FROM_ELSEWHERE)
def test_the_site_shows_no_viewer_whose_scripts_stand_elsewhere(name):
    require(name)
    assert player.is_remote(rendering.drawing_of(evaluation.make(name)))
    assert drawings.framed(name) is None
