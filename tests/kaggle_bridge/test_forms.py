"""The form that starts a run: typed fields from the schema, and only differences as overrides."""

from datetime import timedelta

import pytest
from django.utils import timezone

from kaggle_bridge import configs
from kaggle_bridge.forms import PREFIX, StartForm, key_of
from kaggle_bridge.models import Account
from kaggle_bridge.outlook import outlook
from league.errors import LeagueError
from tests.factories import make_competition

pytestmark = pytest.mark.django_db


def form_of(preset="tictactoe", **data) -> StartForm:
    return StartForm(configs.schema(), preset, data or None)


def sent(preset="tictactoe", **change) -> dict:
    """What a browser sends of the form as it is shown, with some fields changed."""
    shown = StartForm(configs.schema(), preset)
    values = {name: shown[name].value() for name in shown.fields if name != "internet"}
    return {name: "" if value is None else str(value) for name, value in values.items()} | change


def wish(preset="tictactoe", **change):
    form = form_of(preset, **sent(preset, **change))
    assert form.is_valid(), form.errors
    return form.wish()


def errors(preset="tictactoe", **change) -> dict:
    form = form_of(preset, **sent(preset, **change))
    form.is_valid()
    return dict(form.errors)


@pytest.mark.parametrize("preset", ["connectx", "connectx-quick", "foraging", "tictactoe"])
def test_the_form_as_it_is_shown_overrides_nothing(preset) -> None:
    found = wish(preset)
    assert (found.preset, found.config, found.total_steps) == (preset, {}, None)
    assert (found.accelerator, found.enter, found.max_sessions) == ("cpu", "every", 5)
    assert (found.internet, found.session_minutes, found.competition) == (False, None, None)


def test_empty_and_missing_fields_are_as_in_the_preset() -> None:
    form = form_of("foraging", competition="")
    assert form.is_valid(), form.errors
    found = form.wish()
    assert (found.config, found.total_steps, found.backend) == ({}, None, "local")
    assert (found.accelerator, found.enter, found.max_sessions) == ("cpu", "every", 5)


def test_only_what_differs_becomes_an_override_and_keeps_its_type() -> None:
    changes = {
        "config.seed": "3",
        "config.selfplay.learning.learning_rate": "0.001",
        "config.selfplay.network.kind": "resnet",
        "config.selfplay.games": "128",
        "config.selfplay.configuration": '{"rows": 4}',
        "config.selfplay.environment": " connectx ",
        "total_steps": "1000",
    }
    found = wish(**changes)
    assert found.total_steps == 1000
    assert found.config == {
        "seed": 3,
        "selfplay.learning.learning_rate": 0.001,
        "selfplay.network.kind": "resnet",
        "selfplay.configuration": {"rows": 4},
        "selfplay.environment": "connectx",
    }
    assert wish("foraging", **{"config.foraging.evolution.selection": "false"}).config == {
        "foraging.evolution.selection": False
    }


def test_every_key_has_its_field_in_its_group_with_bounds_and_default() -> None:
    form = form_of()
    groups = {group.title: [field.label for field in group.fields] for group in form.groups()}
    assert groups["Run"] == ["log_interval", "save_interval", "seed", "evaluate_interval", "keep"]
    assert "games" in groups["Self-play"]
    assert groups["Search"] == ["simulations", "considered", "value_weight"]
    assert sum(map(len, groups.values())) == len(configs.rows(configs.schema(), "tictactoe")) - 4
    games = form["config.selfplay.games"]
    assert (games.value(), games.field.min_value, games.field.max_value) == (128, 1, 1 << 20)
    assert games.help_text.endswith("From 1 to 1,048,576, default 256.")
    assert form["config.selfplay.configuration"].value() == "{}"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("config.selfplay.games", "0", "greater than or equal to 1"),
        ("config.selfplay.games", "1.5", "whole number"),
        ("config.selfplay.learning.lam", "nan", "number"),
        ("config.selfplay.network.kind", "cnn", "Select a valid choice"),
        ("config.selfplay.configuration", "rows=4", 'Write an object, such as {"rows": 5}.'),
        ("config.selfplay.configuration", "[4]", 'Write an object, such as {"rows": 5}.'),
        ("total_steps", "5000000000", "less than or equal to 4000000000"),
        ("max_sessions", "0", "greater than or equal to 1"),
        ("session_minutes", "5000", "less than or equal to 1440"),
        ("backend", "mars", "Select a valid choice"),
        ("competition", "no-such", "Select a valid choice"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(name, value, sentence) -> None:
    found = errors(**{name: value})
    assert list(found) == [name]
    assert sentence in found[name][0]


def test_a_part_with_an_error_is_marked() -> None:
    form = form_of(**sent(**{"config.selfplay.search.simulations": "0"}))
    assert [group.title for group in form.groups() if group.has_errors] == ["Search"]


@pytest.mark.parametrize(
    ("sentence", "key"),
    [
        ('"selfplay.games" must be at least 1, not 0.', "selfplay.games"),
        ("selfplay: shards must divide games, which are played so.", "selfplay.shards"),
        ("selfplay: arena.depth is too large for 7 actions a move.", "selfplay.arena.depth"),
        ('sweep: give "grid" or "random", one of the two.', "sweep"),
        ('"sweep.grid.seed[1]" must be a list of values.', "sweep"),
        (
            '"selfplay.configuration.rows" must be a whole number, not 1.5.',
            "selfplay.configuration",
        ),
        ("There is something else: the games are over.", None),
    ],
)
def test_a_refusal_stands_at_the_key_that_it_names(sentence, key) -> None:
    assert (
        key_of(sentence, [row["key"] for row in configs.rows(configs.schema(), "connectx")]) == key
    )


@pytest.mark.parametrize(
    ("code", "message", "field"),
    [
        ("bad_config", '"total_steps" must be at least 1, not 0.', "total_steps"),
        ("bad_config", '"selfplay.games" must be odd.', "config.selfplay.games"),
        ("wrong_environment", "Connectx is played in connectx.", "competition"),
        ("no_arena", "Set the interval.", "enter"),
    ],
)
def test_errors_of_the_verb_stand_at_their_field(code, message, field) -> None:
    form = form_of(**sent())
    assert form.is_valid()
    assert form.refuse(LeagueError(message, code))
    assert form.errors[field] == [message]


def test_errors_that_name_no_field_are_left_to_the_page() -> None:
    form = form_of(**sent())
    assert form.is_valid()
    assert not form.refuse(LeagueError("This was our fault.", "check_failed"))
    assert not form.refuse(LeagueError("There is no preset.", "bad_config"))
    assert not form.errors


def test_competitions_of_the_same_game_come_first_and_closed_ones_not_at_all() -> None:
    long_ago, before = (timezone.now() - timedelta(days=days) for days in (9, 1))
    make_competition("other", environment="connectx")
    make_competition("over", environment="tictactoe", opens_at=long_ago, deadline=before)
    make_competition("tictactoe", environment="tictactoe")
    field = form_of()["competition"]
    assert field.value() == "tictactoe"
    assert field.field.choices == [
        ("", "none, only train"),
        ("Of this game", [("tictactoe", "Tictactoe")]),
        ("Of other games", [("other", "Other")]),
    ]


def test_kaggle_is_the_first_choice_where_it_has_credentials() -> None:
    field = form_of()["backend"]
    assert field.value() == "local"
    assert "no credentials" in field.help_text
    Account.objects.create(backend="kaggle", has_credentials=True)
    field = form_of()["backend"]
    assert (field.value(), field.help_text) == ("kaggle", "")


def test_the_outlook_says_how_many_checkpoints_go_where() -> None:
    assert outlook(form_of()) == [
        "It makes 300,000 steps and leaves 6 checkpoints, none of which enters a competition.",
        "It runs on this machine, beside the matches, in at most 5 sessions of 9 h.",
    ]
    make_competition("tictactoe", environment="tictactoe")
    assert "6 checkpoints: each of them enters Tictactoe" in outlook(form_of())[0]
    many = sent(**{"config.save_interval": "1000", "max_sessions": "1", "session_minutes": "90"})
    form = form_of(**many)
    form.full_clean()
    first, second = outlook(form)
    assert "300 checkpoints: 10 of them, evenly spread, enter Tictactoe" in first
    assert "in at most 1 session of 1 h 30 min" in second


@pytest.mark.parametrize(
    ("enter", "words"),
    [("best", "whichever does best in the arena enters"), ("last", "the last one enters")],
)
def test_the_outlook_follows_what_is_to_enter(enter, words) -> None:
    make_competition("tictactoe", environment="tictactoe")
    form = form_of(**sent(enter=enter))
    form.full_clean()
    assert words in outlook(form)[0]


def test_the_outlook_tells_what_kaggle_takes_of_the_quota() -> None:
    form = form_of(**sent(backend="kaggle", accelerator="gpu", max_sessions="2"))
    form.full_clean()
    assert outlook(form)[1].endswith("in at most 2 sessions of 9 h: 18 h of GPU at most.")
    resets = timezone.now() + timedelta(days=3, minutes=1)
    quota = {"gpu": {"used_s": 9000, "total_s": 108_000, "resets_at": resets.isoformat()}}
    account = Account.objects.create(backend="kaggle", quota=quota)
    assert outlook(form)[1].endswith(
        "18 h of GPU at most, of which 1 day 3 h are left for the next 3 days."
    )
    account.quota["gpu"]["resets_at"] = None
    account.save()
    assert "are left this week." in outlook(form)[1]
    form = form_of(**sent(backend="kaggle", accelerator="cpu"))
    form.full_clean()
    assert "takes nothing of the hours of GPU and TPU" in outlook(form)[1]


def test_the_outlook_of_what_cannot_be_is_that_of_the_preset() -> None:
    form = form_of(**sent(total_steps="-1", **{f"{PREFIX}save_interval": "x"}))
    form.full_clean()
    assert "It makes 300,000 steps and leaves 6 checkpoints" in outlook(form)[0]
