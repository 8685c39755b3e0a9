"""What a configuration may say, and the one sentence that refuses everything else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.training.toy_runs import CONFIG, write_config
from training import config, trials
from training.config import ConfigError

LEAST = {"task": "toy", "total_steps": 10, "log_interval": 2, "save_interval": 5}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sed": 1}, 'There is no key "sed"; the nearest is "seed".'),
        (
            {"toy": {"learning": {"learning_rat": 1}}},
            'There is no key "learning_rat" in "toy.learning"; the nearest is "learning_rate".',
        ),
        ({"foraging": {}}, 'There is no key "foraging" (there are '),
        ({"task": "toi"}, 'There is no task "toi"; the nearest is "toy".'),
        ({"task": 3}, '"task" must be the name of a task.'),
        ({"seed": "1"}, '"seed" must be a whole number, not "1".'),
        ({"seed": True}, '"seed" must be a whole number, not true.'),
        ({"seed": 1.0}, '"seed" must be a whole number, not 1.0.'),
        ({"seed": -1}, '"seed" must be at least 0, not -1.'),
        ({"total_steps": 0}, '"total_steps" must be at least 1, not 0.'),
        ({"total_steps": 2**32}, '"total_steps" must be at most 4000000000, not 4294967296.'),
        ({"device": "cuda"}, '"device" must be one of "any", "cpu", "gpu", "tpu", not "cuda".'),
        ({"toy": []}, '"toy" must be an object, not [].'),
        ({"toy": {"pause": "long"}}, '"toy.pause" must be a number, not "long".'),
        ({"toy": {"pause": float("inf")}}, '"toy.pause" must be a finite number, not Infinity.'),
        ({"toy": {"pause": 10**400}}, '"toy.pause" must be a finite number, not 1000'),
        ({"toy": {"configuration": {"a": 0.5}}}, '"toy.configuration.a" must be a whole number'),
        ({"toy": {"batch": 64}}, 'toy: "buffer" must hold a "batch"'),
    ],
)
def test_refusals_name_the_key_and_the_nearest(changes: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.from_dict({**LEAST, **changes})
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("missing", ["total_steps", "log_interval", "save_interval"])
def test_missing_keys_are_named(missing: str) -> None:
    data = {name: value for name, value in LEAST.items() if name != missing}
    with pytest.raises(ConfigError, match=f'The key "{missing}" is missing'):
        config.from_dict(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"seed": 1,\n "task"}', "is not JSON: Expecting ':' delimiter at line 2, column 8."),
        ("", "is not JSON: Expecting value at line 1, column 1."),
        ("[1]", "The configuration must be an object, not [1]."),
        ('{"seed": 1, "seed": 2}', 'cannot be used: the key "seed" stands there twice.'),
        ('{"seed": NaN}', "cannot be used: NaN is no number of JSON."),
        ('{"seed": -Infinity}', "cannot be used: -Infinity is no number of JSON."),
        ("[" * 100_000, "cannot be used: "),
        ('{"seed": ' + "9" * 5000 + "}", "cannot be used: "),
        (b"\xff\xfe{", "is not JSON: it is no text in UTF-8."),
        (b" " * (1 << 21), "is larger than a configuration can be (1 MiB)."),
    ],
)
def test_files_that_are_no_json_are_refused(
    tmp_path: Path, text: str | bytes, sentence: str
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (".", "is a folder"),
        ("none.json", 'There is no configuration "none.json"'),
        ("tictacto", 'There is no configuration "tictacto"; the nearest is "tictactoe".'),
        ("\0", "cannot be read"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_files_that_cannot_be_read_are_refused(source: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(source)
    assert sentence in str(caught.value)


def test_overrides_are_json_or_texts(tmp_path: Path) -> None:
    path = write_config(tmp_path)
    overrides = ("seed=7", "device=cpu", "toy.learning.learning_rate=1e-3", "toy.configuration.a=2")
    run = config.load(path, overrides)
    assert (run.seed, run.device) == (7, "cpu")
    assert run.settings.learning.learning_rate == 0.001
    assert dict(run.settings.configuration) == {"a": 2}


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("seed", "--set wants key=value"),
        ("=1", "--set wants key=value"),
        ("seed=many", '"seed" must be a whole number, not "many".'),
        ("seed=NaN", '"seed" must be a whole number, not "NaN".'),
        ("seed.low=1", '"seed" must be an object, not 3.'),
        ("toy.buffers=1", 'There is no key "buffers" in "toy"; the nearest is "buffer".'),
    ],
)
def test_wrong_overrides_are_refused(tmp_path: Path, override: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(write_config(tmp_path), (override,))
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize("name", config.presets())
def test_presets_are_configurations(name: str) -> None:
    run = config.load(name)
    assert name.startswith("foraging") == (run.task == "foraging")
    assert config.from_dict(config.to_dict(run)) == run


def test_configurations_can_be_static_arguments() -> None:
    first, second = config.from_dict(CONFIG), config.from_dict(CONFIG)
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        ({}, 'The key "sweep.steps" is missing.'),
        ({"steps": 1}, 'sweep: give "grid" or "random", one of the two'),
        ({"steps": 1, "grid": {"toy.bach": [1]}}, 'There is no key "bach" in "toy"; the nearest'),
        ({"steps": 1, "grid": {"toy.batch": [1, "x"]}}, '"toy.batch" must be a whole number'),
        ({"steps": 1, "grid": {"toy.batch": []}}, '"sweep.grid.toy.batch" must be a list of'),
        ({"steps": 1, "grid": {"seed": [1]}}, 'A sweep varies the keys of "toy", and "seed" is'),
        ({"steps": 1, "grid": {"toy.batch": [1]}, "trials": 3}, 'sweep: "trials" belongs to'),
        ({"steps": 1, "random": {"toy.batch": [1]}}, 'sweep: "trials" belongs to "random"'),
        (
            {"steps": 1, "trials": 1, "random": {"toy.batch": {"low": 2, "high": 1}}},
            'sweep.random.toy.batch: "low" must not be above "high"',
        ),
        (
            {"steps": 1, "trials": 1, "random": {"toy.pause": {"low": 0, "high": 1, "log": True}}},
            'sweep.random.toy.pause: with "log", "low" must be above 0',
        ),
        ({"steps": 1, "grid": {"toy.batch": [1]}, "seeds": [1, 1]}, 'sweep: "seeds" must be diff'),
        ({"steps": 1, "grid": {"toy.batch": [1]}, "second": 1}, 'There is no key "second" in "sw'),
        (
            {"steps": 1, "grid": {"toy.batch": [1] * 10_001}},
            "sweep: these are 10001 trials; 10000 are allowed",
        ),
    ],
)
def test_sweeps_are_refused_before_anything_runs(sweep: dict, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.from_dict({**LEAST, "sweep": sweep})
    assert str(caught.value).startswith(sentence)


def test_random_candidates_repeat_and_keep_their_bounds() -> None:
    space = {
        "toy.batch": {"low": 2, "high": 9},
        "toy.learning.learning_rate": {"low": 1e-4, "high": 1e-1, "log": True},
        "toy.learning.optimizer": ["adam", "sgd"],
    }
    sweep = trials.from_dict({"steps": 1, "trials": 200, "random": space})
    drawn = [dict(each) for each in trials.candidates(sweep, seed=5)]
    assert drawn == [dict(each) for each in trials.candidates(sweep, seed=5)]
    assert drawn != [dict(each) for each in trials.candidates(sweep, seed=6)]
    assert {each["toy.batch"] for each in drawn} == set(range(2, 10))
    rates = [each["toy.learning.learning_rate"] for each in drawn]
    assert 1e-4 <= min(rates) < 1e-3 < 1e-2 < max(rates) <= 1e-1
    assert 40 < sum(rate < 1e-3 for rate in rates) < 95, "a third, in the logarithm"
    assert {each["toy.learning.optimizer"] for each in drawn} == {"adam", "sgd"}


def test_main_answers_a_wrong_configuration_with_one_sentence_and_no_folder(tmp_path: Path) -> None:
    path = write_config(tmp_path, sed=1)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "tests.training.toy_task", "run", str(path), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == 'There is no key "sed"; the nearest is "seed".\n'
    assert done.stdout == ""
    assert not out.exists()


COUNTS = st.integers(1, 4_000_000_000)
CONFIGS = st.fixed_dictionaries(
    {
        "task": st.just("toy"),
        "total_steps": COUNTS,
        "log_interval": COUNTS,
        "save_interval": COUNTS,
    },
    optional={
        "seed": st.integers(0, 2**32 - 1),
        "evaluate_interval": st.integers(0, 4_000_000_000),
        "device": st.sampled_from(["any", "cpu", "gpu", "tpu"]),
        "toy": st.fixed_dictionaries(
            {},
            optional={
                "batch": st.integers(1, 32),
                "pause": st.floats(allow_nan=False, allow_infinity=False),
                "configuration": st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
                "learning": st.fixed_dictionaries(
                    {}, optional={"learning_rate": st.floats(0, 1e300) | st.integers(0, 9)}
                ),
            },
        ),
        "sweep": st.fixed_dictionaries(
            {
                "steps": COUNTS,
                "grid": st.just({"toy.batch": [1, 2]}),
                "seeds": st.lists(st.integers(0, 9), unique=True, max_size=3),
            },
            optional={"seconds": st.floats(0, 1e9)},
        ),
    },
)


@given(CONFIGS)
@settings(max_examples=100, deadline=None)
def test_configurations_survive_json(data: dict) -> None:
    run = config.from_dict(data)
    told = config.to_dict(run)
    assert config.from_dict(json.loads(json.dumps(told))) == run
    for key, value in config.flat(data).items():
        assert key.startswith("sweep") or config.flat(told)[key] == value


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [*LEAST, "seed", "keep", "sweep", "toy", "toy.learning", "toy.pause", "sweep.grid"]
)


@given(st.dictionaries(KEYS | st.text(max_size=8), GARBAGE, min_size=1, max_size=4))
@example({"a\nb": 1})
@example({"toy": {"configuration": {"a\nb": 0.5}}})
@settings(max_examples=200, deadline=None)
def test_garbage_gives_a_configuration_or_one_sentence(changes: dict) -> None:
    data = json.loads(json.dumps(LEAST))
    refusal = ""
    try:
        for key, value in changes.items():
            config.override_key(data, key, value)
        run = config.from_dict(data)
    except ConfigError as error:
        refusal = str(error)
    assert len(refusal.splitlines()) <= 1
    assert refusal or config.from_dict(config.to_dict(run)) == run


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_garbage_in_a_file_gives_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        config.load(path)


def test_a_pipe_is_no_configuration(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ConfigError, match="is no file"):
        config.load(tmp_path / "config.json")


def test_a_huge_file_is_no_configuration(tmp_path: Path) -> None:
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigError, match=r"is larger than a configuration can be \(1 MiB\)\.$"):
        config.load(tmp_path / "config.json")
