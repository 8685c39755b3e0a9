"""What the trainer tells other programs about its configurations, and how it checks one."""

import io
import json
import sys

import pytest

from training import config, meanings, schema
from training import task as tasks
from training.__main__ import main
from training.config import ConfigError
from training.fields import plain

TASKS = tuple(meanings.TASKS)
WRONG = {"int": 0.5, "float": "x", "bool": 1, "text": 1, "choice": "x", "list": 1, "object": 1}


@pytest.fixture(scope="module")
def told() -> dict:
    return json.loads(schema.to_json(schema.schema()))


def by_key(rows) -> dict:
    return {row["key"]: row for row in rows}


def all_rows(told) -> list:
    return [*told["run"], *(row for task in TASKS for row in told["tasks"][task])]


def check(preset="tictactoe", **overrides) -> dict:
    return schema.check(json.dumps({"preset": preset, "overrides": overrides}))


@pytest.mark.parametrize("task", TASKS)
def test_every_key_of_a_task_is_told_with_its_default(told, task) -> None:
    rows = by_key(told["tasks"][task])
    known = config.flat({task: plain(tasks.load(task).Config())})
    assert set(rows) - {"selfplay.configuration"} == set(known)
    assert all(rows[key]["default"] == value for key, value in known.items())


def test_every_general_key_is_told(told) -> None:
    names = {*config.RunConfig.__dataclass_fields__} - {"settings"}
    assert set(by_key(told["run"])) == names


def test_every_key_has_one_sentence_and_no_sentence_is_left_over(told) -> None:
    ours = {name for name, module in tasks.MODULES.items() if module.startswith("training.")}
    assert set(TASKS) == ours
    for task in TASKS:
        keys = {row["key"].removeprefix(f"{task}.") for row in told["tasks"][task]}
        assert set(meanings.TASKS[task]) == keys
    assert set(meanings.RUN) == set(by_key(told["run"]))
    for row in all_rows(told):
        assert row["help"].endswith((".", "…")), row["key"]
        assert len(row["help"]) <= 100, row["key"]


def test_presets_are_whole_and_are_what_load_makes_of_them(told) -> None:
    assert sorted(told["presets"]) == config.presets()
    for name, whole in told["presets"].items():
        assert config.from_dict(whole) == config.load(name)
        assert told["facts"][name]["task"] == whole["task"]


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("selfplay.network.kind", {"kind": "choice", "choices": ["mlp", "resnet"]}),
        ("selfplay.games", {"kind": "int", "minimum": 1, "maximum": 1 << 20}),
        ("selfplay.learning.lam", {"kind": "float", "minimum": 0.0, "maximum": 1.0}),
        ("selfplay.environment", {"kind": "text", "default": "connectx"}),
        ("selfplay.configuration", {"kind": "object", "default": {}}),
        ("foraging.evolution.selection", {"kind": "bool", "default": True}),
        ("task", {"kind": "choice", "choices": list(tasks.MODULES)}),
        ("total_steps", {"kind": "int", "default": None, "optional": False}),
        ("sweep", {"kind": "object", "optional": True}),
    ],
)
def test_kinds_bounds_and_choices_are_those_of_the_fields(told, key, row) -> None:
    rows = by_key(all_rows(told))
    assert row.items() <= rows[key].items()


@pytest.mark.parametrize("task", TASKS)
def test_what_the_schema_says_is_what_a_configuration_is_held_to(told, task) -> None:
    preset = next(name for name, fact in told["facts"].items() if fact["task"] == task)
    for row in told["tasks"][task]:
        bad = [WRONG[row["kind"]]]
        bad += [row["minimum"] - 1] if row["minimum"] is not None else []
        bad += [row["maximum"] + 1] if row["maximum"] is not None else []
        for value in bad:
            with pytest.raises(ConfigError, match=row["key"]):
                check(preset, **{row["key"]: value})


def test_a_check_tells_the_whole_configuration_and_its_facts() -> None:
    found = check(total_steps=1000, selfplay={"games": 64, "configuration": {}})
    whole = found["config"]
    assert (whole["total_steps"], whole["selfplay"]["games"]) == (1000, 64)
    assert whole["selfplay"]["network"]["width"] == 64, "the preset's own"
    assert found["overrides"] == {
        "total_steps": 1000, "selfplay.games": 64, "selfplay.configuration": {}
    }  # fmt: skip
    assert found["facts"] == {
        "task": "selfplay", "environment": "tictactoe", "version": "1.0.0",
        "configuration": {"rows": 3, "columns": 3, "inarow": 3}, "has_arena": True,
        "objective": "arena/elo", "headline": [],
    }  # fmt: skip


def test_facts_follow_the_overrides() -> None:
    board = {"rows": 5, "columns": 6, "inarow": 4}
    facts = check("connectx", **{"selfplay.configuration": board, "evaluate_interval": 0})["facts"]
    assert facts["configuration"] == board
    assert facts["has_arena"] is False
    facts = check("foraging", **{"foraging.world.max_steps": 9})["facts"]
    assert facts["configuration"]["episodeSteps"] == 10
    assert "world/delivered" in facts["headline"]


def test_an_object_replaces_and_its_dotted_keys_are_left_alone() -> None:
    grid = {"selfplay.learning.learning_rate": [0.001, 0.003]}
    found = check(sweep={"grid": grid, "steps": 1000})
    assert found["config"]["sweep"]["grid"] == grid
    assert list(found["overrides"]) == ["sweep"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not JSON"),
        ("[]", "must be an object"),
        ('{"preset": "tictactoe", "overrides": []}', '"overrides" must be an object'),
        ('{"overrides": {}}', "There is no preset null"),
        ('{"preset": "tictacto"}', 'There is no preset "tictacto"; the nearest is "tictactoe".'),
        ('{"preset": "/etc/passwd"}', "There is no preset"),
        ('{"preset": "tictactoe", "overrides": {"seed": NaN}}', "NaN is no number"),
        ('{"preset": "tictactoe", "overrides": {"\\ud800": 1}}', "There is no key"),
        ('{"preset": "tictactoe", "overrides": {"seed.x": 1}}', '"seed" must be an object'),
        ('{"preset": "tictactoe", "overrides": ' + '{"a":' * 50_000, "cannot be used"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(text, sentence) -> None:
    with pytest.raises(ConfigError) as refused:
        schema.check(text)
    assert sentence in refused.value.message
    assert refused.value.message.isprintable()


def test_a_file_is_no_preset(tmp_path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(schema.schema()["presets"]["tictactoe"]))
    with pytest.raises(ConfigError, match="There is no preset"):
        check(str(path))


def test_commands_print_json_and_a_refusal_is_exit_code_2(monkeypatch, capsys) -> None:
    assert main(["schema"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"presets", "facts", "tasks", "run"}
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"preset": "tictactoe"}'))
    assert main(["check"]) == 0
    assert json.loads(capsys.readouterr().out)["overrides"] == {}
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"preset": "chess"}'))
    assert main(["check"]) == 2
    assert capsys.readouterr().err.startswith("There is no preset")
