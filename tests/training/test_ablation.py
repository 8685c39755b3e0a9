"""`python -m training ablation`: its figures, its picture, the command and what it refuses."""

import dataclasses
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.training.ablations import EPISODES, WORLD, config_of, run_of
from training import (
    ablation,
    ablation_figures,
    ablation_people,
    ablation_plot,
    episodes,
    storage,
)
from training.__main__ import main
from training.ablation_conditions import CASES
from training.ablation_people import ENERGY
from training.console import Console
from training.export_colony import GENOMES, LIVING
from training.folder import replacing
from training.launch import launch
from training.stop import Stop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unoptimised")]


def tally_of(delivered: list[float]) -> dict[str, np.ndarray]:
    steady = {name: np.full(len(delivered), 4.0) for name in episodes.Tally._fields}
    return steady | {"delivered": np.array(delivered)}


@pytest.mark.parametrize(
    ("here", "there", "word"),
    [
        ([5, 6, 7, 8], [3, 4, 5, 6], "more"),
        ([3, 4, 5, 6], [5, 6, 7, 8], "less"),
        ([3, 8, 5, 6], [5, 6, 7, 4], "no difference shown"),
    ],
)
def test_difference_is_of_pairs_and_says_what_its_interval_shows(here, there, word):
    found = ablation_figures.row("x", tally_of(here), "y", tally_of(there)).difference
    assert found.word == word
    assert found.value == np.mean(here) - np.mean(there)
    assert found.low <= found.value <= found.high
    if word != "no difference shown":  # the same in each pair, so nothing is uncertain
        assert found.low == found.high == found.value


def drawn(episodes_each: int, trials: int, gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Two conditions, [trials, episodes], whose pairs share their luck."""
    draw = np.random.default_rng(0)
    luck, *noise = draw.normal(scale=5, size=(3, trials, episodes_each))
    return 40 * gain + luck + noise[0], 40 + luck + noise[1]


@pytest.mark.parametrize("count", [8, 20])
def test_intervals_hold_the_true_difference_95_times_in_100(count):
    found = [
        ablation_figures.difference(*pair) for pair in zip(*drawn(count, 4000, 1.1), strict=True)
    ]
    assert np.mean([each.low <= 4 <= each.high for each in found]) == pytest.approx(0.95, abs=0.012)
    shares = [each.percent[1] <= 10 <= each.percent[2] for each in found]
    assert np.mean(shares) == pytest.approx(0.95, abs=0.012)


def test_share_and_items_say_the_same():
    found = [ablation_figures.difference(*pair) for pair in zip(*drawn(8, 500, 1.1), strict=True)]
    said = [each.low > 0 for each in found]
    assert 0 < sum(said) < len(said)
    assert said == [each.percent[1] > 0 for each in found]


def test_items_per_life_are_those_of_an_episode_on_average():
    tally = tally_of([2, 12]) | {"lives": np.array([1, 4])}
    assert ablation_figures.row("x", tally).per_life == 2.5


def test_difference_to_nothing_has_no_percentage():
    found = ablation_figures.row("x", tally_of([1, 2]), "y", tally_of([0, 0])).difference
    assert found.percent is None
    assert "%" not in ablation_plot.chart(
        "t",
        [
            ablation_figures.row("y", tally_of([0, 0])),
            ablation_figures.row("x", tally_of([1, 2]), "y", tally_of([0, 0])),
        ],
    ).replace("95 %", "")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The folder of a run."""
    folder = tmp_path_factory.mktemp("foraging")
    file = folder / "config.json"
    file.write_text(json.dumps(run_of(WORLD)))
    assert launch(str(file), [], folder / "run", "none", Stop(None)) == 0
    return folder / "run"


def ablate(*options: object) -> int:
    return main(["ablation", "--num-episodes", str(EPISODES), *map(str, options)])


def test_command_tells_a_table_and_writes_json_and_a_plot(trained, tmp_path, capsys):
    capsys.readouterr()
    out = tmp_path / "new" / "folder"
    assert ablate("--checkpoint", trained, "--out", out) == 0
    first, header, *rows, last = capsys.readouterr().out.splitlines()
    assert re.search(r"step_64\.safetensors: step 64, 8 episodes of 30$", first)
    assert header.split() == ablation_figures.HEADER.split()
    assert [row[:28].strip() for row in rows] == [case.name for case in CASES]
    report = json.loads((out / "ablation.json").read_text())
    assert [row["name"] for row in report["rows"]] == [case.name for case in CASES]
    assert report["rows"][1]["difference"]["word"] in ("more", "less", "no difference shown")
    ElementTree.parse(out / "ablation.svg")
    assert last == f"{out / 'ablation.json'}, {out / 'ablation.svg'}"


def test_same_seed_gives_the_same_table_and_another_one_another(trained, tmp_path):
    def told(name: str, seed: int) -> bytes:
        assert ablate("--checkpoint", trained, "--out", tmp_path / name, "--seed", seed) == 0
        return (tmp_path / name / "ablation.json").read_bytes().replace(b'"seed": 1', b'"seed": 0')

    assert told("a", 0) == told("b", 0)
    assert told("a", 0) != told("c", 1)


def test_what_is_written_lies_beside_the_checkpoint_by_default(trained):
    assert ablate("--checkpoint", trained) == 0
    assert (trained / "ablation.json").exists()
    assert (trained / "ablation.svg").exists()


def test_picture_is_sound_and_names_every_condition(trained, tmp_path):
    rows = [ablation_figures.row("normal", tally_of([4, 5, 6]))] + [
        ablation_figures.row(case.name, tally_of([number, 5, 7]), "normal", tally_of([4, 5, 6]))
        for number, case in enumerate(CASES[1:])
    ]
    text = ablation_plot.chart("a < b", rows)
    told = "".join(ElementTree.fromstring(text).itertext())
    assert all(case.name in told for case in CASES[1:])
    assert not re.search("nan|inf|script", text)


def spoilt(trained: Path, path: Path, **changes: np.ndarray | None) -> Path:
    """A copy of a checkpoint with other tensors; None leaves one out."""
    (source,) = trained.glob("step_*.safetensors")
    tensors, manifest = storage.read(source)
    changed = {name: each for name, each in (tensors | changes).items() if each is not None}
    with replacing(path) as file:
        storage.write(file, changed, dataclasses.replace(manifest, crc32=[]))
    return path


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (LIVING, np.zeros_like, "Nobody lives"),
        (GENOMES, lambda each: each * np.nan, "NaN or infinite numbers in its genomes"),
        (GENOMES, lambda each: each[..., 1:], "life/population/genomes is float32"),
        (ENERGY, lambda each: None, "lacks the tensor life/worlds/energy"),
        ("params/policy/bias", lambda each: each[1:], "params/policy/bias is float32[4]"),
        ("params/dense_1/bias", lambda each: None, "lacks the tensor params/dense_1/bias"),
    ],
)
def test_checkpoint_with_wrong_tensors_is_refused(trained, tmp_path, capsys, name, change, says):
    (source,) = trained.glob("step_*.safetensors")
    given = change(storage.read(source)[0][name])
    path = spoilt(trained, tmp_path / "step_64.safetensors", **{name: given})
    assert ablate("--checkpoint", path) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert says in sentence


def test_file_that_is_no_checkpoint_of_foraging_is_refused(trained, tmp_path, capsys):
    (source,) = trained.glob("step_*.safetensors")
    damaged, pickled, other = (tmp_path / f"step_{n}.safetensors" for n in (1, 2, 3))
    damaged.write_bytes(source.read_bytes()[:-10])
    pickled.write_bytes(b"\x80\x04K\x01.")
    tensors, manifest = storage.read(source)
    with replacing(other) as file:
        storage.write(file, tensors, dataclasses.replace(manifest, task="selfplay", crc32=[]))
    (tmp_path / "empty").mkdir()
    wrong = {
        damaged: "cut short", pickled: "pickle", other: "task 'selfplay'",
        tmp_path / "none": "none", tmp_path / "empty": "no checkpoint",
    }  # fmt: skip
    for path, says in wrong.items():
        assert ablate("--checkpoint", path, "--out", tmp_path / "out") == 2, path
        (sentence,) = capsys.readouterr().err.splitlines()
        assert says in sentence


@pytest.mark.parametrize("count", [-1, 7, 1025])
def test_number_of_episodes_has_bounds(trained, capsys, count):
    assert main(["ablation", "--checkpoint", str(trained), "--num-episodes", str(count)]) == 2
    assert "8 to 1,024 episodes" in capsys.readouterr().err


def test_folder_that_cannot_be_written_is_refused(trained, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert ablate("--checkpoint", trained, "--out", tmp_path / "file") == 2
    assert "--out" in capsys.readouterr().err


def test_more_than_the_memory_holds_is_refused(trained, tmp_path, capsys):
    """1,024 episodes of so many steps draw thousands of numbers each, all beforehand."""
    (source,) = trained.glob("step_*.safetensors")
    tensors, manifest = storage.read(source)
    run = run_of(dataclasses.replace(WORLD, max_steps=100_000))
    path = tmp_path / "step_64.safetensors"
    with replacing(path) as file:
        storage.write(file, tensors, dataclasses.replace(manifest, config=run, crc32=[]))
    assert main(["ablation", "--checkpoint", str(path), "--num-episodes", "1024"]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert re.search("needs .* memory and .* are free: turn down --num-episodes", sentence)


def test_without_evolution_there_are_as_many_as_usually_live_at_a_time(trained):
    """Here fewer than begin, as they starve and nobody comes."""
    (source,) = trained.glob("step_*.safetensors")
    _, people, _ = ablation_people.read(source)
    hungry = dataclasses.replace(WORLD, energy_per_step=35.0, min_agents=0)
    rows = ablation.run(config_of(hungry), people, EPISODES, 0, Console())
    normal, off = (next(row for row in rows if row.name == n) for n in ("normal", "evolution off"))
    assert 1 < normal.population < WORLD.num_agents - 1
    assert off.population == round(normal.population)
