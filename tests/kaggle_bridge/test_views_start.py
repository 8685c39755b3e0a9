"""The page that starts a run: who may see it, what it shows, what it does."""

import re
import subprocess

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from kaggle_bridge.models import TrainingRun
from league.models import AuditEntry
from tests.factories import make_competition, make_staff, make_user

pytestmark = pytest.mark.django_db
URL = "/training/new/"


@pytest.fixture
def carol(client):
    carol = make_staff()
    client.force_login(carol)
    return carol


def start(client, **fields):
    return client.post(URL, {"preset": "tictactoe", **fields})


def error_of(page: str, name: str) -> str:
    """The sentence at a field, which the field names for screen readers."""
    control = re.search(rf'<[a-z]+ [^>]*name="{re.escape(name)}"[^>]*>', page)[0]
    assert 'aria-invalid="true"' in control
    assert f'id_{name}_error"' in control
    return re.search(rf'id="id_{re.escape(name)}_error"><li>(.*?)</li>', page)[1]


def test_address() -> None:
    assert reverse("training-new") == URL


def test_only_organisers_with_the_right_may_start(client) -> None:
    answer = client.get(URL)
    assert (answer.status_code, answer.url) == (302, f"/accounts/login/?next={URL}")
    dave = make_user("dave")
    client.force_login(dave)
    assert client.get(URL).status_code == 403
    assert start(client).status_code == 403
    assert "Only organisers" in client.get(URL).text
    dave.is_staff = True
    dave.save()
    assert client.get(URL).status_code == 403, "staff needs the right as well"
    dave.user_permissions.add(Permission.objects.get(codename="add_trainingrun"))
    assert client.get(URL).status_code == 200
    assert not TrainingRun.objects.exists()


def test_the_page_shows_every_key_of_the_preset_and_what_will_happen(client, carol) -> None:
    make_competition("tictactoe", environment="tictactoe")
    page = client.get(f"{URL}?preset=tictactoe").text
    assert 'value="300000"' in page
    assert 'name="config.selfplay.search.simulations"' in page
    assert "Positions that are looked at for a move. From 1 to 10,000, default 32." in page
    assert "6 checkpoints: each of them enters Tictactoe" in page
    assert "beside the matches, in at most 5 sessions" in page
    assert page.count("<details") == page.count("</details>") == 7
    assert " open>" not in page
    assert "foraging.world.grid_size" in client.get(f"{URL}?preset=foraging").text
    assert client.get(f"{URL}?preset=chess").status_code == 404


def test_a_button_starts_a_run_and_leads_to_it(client, carol) -> None:
    make_competition("tictactoe", environment="tictactoe")
    answer = start(
        client,
        competition="tictactoe",
        enter="last",
        total_steps="1000",
        max_sessions="2",
        session_minutes="30",
        **{"config.selfplay.games": "64", "config.selfplay.network.depth": ""},
    )
    run = TrainingRun.objects.get()
    assert (answer.status_code, answer.url) == (302, run.get_absolute_url())
    assert (run.state, run.author, run.team) == ("PUSHING", carol, None)
    assert (run.competition.slug, run.enter, run.total_steps) == ("tictactoe", "last", 1000)
    assert (run.max_sessions, run.session_s, run.internet) == (2, 1800, False)
    assert run.config == {"selfplay.games": 64, "total_steps": 1000}
    assert [entry.action for entry in AuditEntry.objects.all()] == ["create"]


def test_what_the_trainer_refuses_stands_at_its_field_and_what_was_typed_stays(
    client, carol
) -> None:
    answer = start(client, total_steps="777", **{"config.selfplay.games": "3"})
    assert answer.status_code == 400
    assert "must divide games" in error_of(answer.text, "config.selfplay.shards")
    assert 'value="777"' in answer.text
    assert 'name="config.selfplay.games" value="3"' in answer.text
    assert answer.text.count('<details class="settings" open>') == 1
    assert not TrainingRun.objects.exists()


def test_what_does_not_fit_a_field_never_reaches_the_trainer(client, carol, monkeypatch) -> None:
    monkeypatch.setattr("kaggle_bridge.configs.check", lambda *_: pytest.fail("asked"))
    answer = start(client, **{"config.selfplay.games": "0"})
    assert answer.status_code == 400
    assert "greater than or equal to 1" in error_of(answer.text, "config.selfplay.games")
    assert "Nothing was started" in answer.text


def test_a_competition_of_another_game_is_refused_at_its_field(client, carol) -> None:
    make_competition("connectx")
    answer = start(client, competition="connectx")
    assert answer.status_code == 400
    assert "is played in connectx" in error_of(answer.text, "competition")


def test_a_fault_of_ours_is_told_above_the_form(client, carol, monkeypatch) -> None:
    assert client.get(URL).status_code == 200
    monkeypatch.setattr("kaggle_bridge.configs.TIMEOUT_S", 0.001)
    answer = start(client, total_steps="777")
    assert answer.status_code == 500
    assert "this is our fault" in answer.text
    assert 'value="777"' in answer.text
    assert "Nothing was started: see" not in answer.text


def test_another_preset_comes_as_a_fragment(client, carol) -> None:
    headers = {"HX-Request": "true", "HX-Target": "start"}
    part = client.get(f"{URL}?preset=foraging", headers=headers).text
    assert part.startswith('<form class="stack roomy" id="start"')
    assert 'name="preset" value="foraging"' in part
    assert "<html" not in part


def test_what_will_happen_follows_the_fields(client, carol) -> None:
    headers = {"HX-Request": "true", "HX-Target": "next"}
    fields = "preset=tictactoe&total_steps=100000&backend=kaggle&accelerator=gpu&max_sessions=1"
    part = client.get(f"{URL}?{fields}", headers=headers).text
    assert part.startswith("It makes")
    assert "<" not in part
    assert "100,000 steps and leaves 2 checkpoints" in part
    assert "on Kaggle, in at most 1 session of 9 h: 9 h of GPU at most" in part


def test_the_trainer_is_all_that_the_web_process_asks(client, carol, monkeypatch) -> None:
    """Nobody waits for Kaggle: its client would be another child."""
    real, commands = subprocess.Popen, []

    def popen(command, *args, **more):
        commands.append(command[1:])
        return real(command, *args, **more)

    assert client.get(URL).status_code == 200  # from now on the schema is known
    monkeypatch.setattr(subprocess, "Popen", popen)
    assert start(client, backend="kaggle", total_steps="1000").status_code == 302
    assert commands == [["-m", "training", "check"]]
