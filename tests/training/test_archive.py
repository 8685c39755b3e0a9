"""The archive trains where there is nothing but jax, flax, optax, NumPy and what these need."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.training import tiny
from tests.training.toy_runs import content, metrics
from training import archive, checkpoint, source

ALONE = Path(__file__).with_name("alone.py")
TRAINED = ("runner", "sweep", "trainer", "launch", "export", "ablation", "bench")
TRAINED += ("selfplay", "foraging")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return archive.build(tmp_path_factory.mktemp("archive") / "training.zip")


def python(code: str, *path: object) -> str:
    """What code prints in a fresh interpreter without any package but those on this path."""
    code = f"import sys; sys.path[:0] = {[*map(str, path)]!r}\n{code}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_equal_sources_give_equal_bytes(built, tmp_path):
    assert archive.build(tmp_path / "again.zip").read_bytes() == built.read_bytes()


def test_archive_is_small_and_holds_what_training_needs_alone(built):
    assert built.stat().st_size < 400_000
    with zipfile.ZipFile(built) as file:
        names = file.namelist()
        assert all(entry.external_attr >> 16 == 0o644 for entry in file.infolist())
    assert len(names) == len(set(names))
    assert not [name for name in names if "test" in Path(name).name.split("_")]
    assert not [name for name in names if Path(name).suffix in (".js", ".css", ".md", ".pyc")]
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"training", "evaluation", "mctx", "carried", "licences"}
    for unwanted in ("sandbox", "player", "packages", "server.py", "envs/rps"):
        assert not [name for name in names if name.startswith(f"evaluation/{unwanted}")]
    for package in archive.FOLDERS:
        assert [name for name in names if name.startswith(f"licences/{package}/LICENSE")]


def test_whatever_training_imports_of_ours_is_shipped():
    code = "import evaluation, sys\n" + "".join(f"import training.{name}\n" for name in TRAINED)
    code += (
        "from training import envs\nfor name in ('connectx', 'tictactoe'): envs.load(name, {})\n"
    )
    code += "print(*(m.__file__ for name, m in sys.modules.items() if name.split('.')[0] in"
    code += " ('training', 'evaluation')), sep='\\n')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    root = Path(archive.__file__).parents[1]
    files = {str(Path(line).relative_to(root)) for line in told.stdout.split()}
    assert len(files) > 80
    assert files <= archive.contents().keys()


def test_hash_of_the_sources_is_that_of_the_archive(built, tmp_path):
    code = "from training import source; print(source.source_hash())"
    with zipfile.ZipFile(built) as file:
        file.extractall(tmp_path / "unpacked")
    told = {python(code, place) for place in (built, tmp_path / "unpacked")}
    assert told == {source.source_hash.__wrapped__()}


def test_installed_packages_come_before_those_carried(built, tmp_path):
    (tmp_path / "chex").mkdir()
    (tmp_path / "chex" / "__init__.py").touch()
    code = "import training, importlib.util as u\n"
    code += "print(*(u.find_spec(name).origin for name in ('mctx', 'chex', 'toolz')), sep='\\n')"
    assert python(code, built, tmp_path).split() == [
        f"{built}/mctx/__init__.py",
        f"{tmp_path}/chex/__init__.py",
        f"{built}/carried/toolz/__init__.py",
    ]


def test_archive_replaces_what_is_there(built, tmp_path):
    (tmp_path / "training.zip").write_bytes(b"x" * 3_000_000)
    assert archive.build(tmp_path / "training.zip").read_bytes() == built.read_bytes()


def run_alone(built: Path, folder: Path, cache: Path, *arguments: object) -> str:
    """What the trainer prints, in a fresh interpreter, elsewhere, with the archive alone."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-I", ALONE, built, *map(str, arguments)],
        cwd=folder,
        env=environment | tiny.variables(cache, optimised=False),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow  # test_runner.py runs a smaller task from a zip
def test_archive_trains_alone_to_the_same_bits(built, tmp_path, tiny_reference, tiny_compiled):
    settings = tiny.write_config(tmp_path / "run")
    told = run_alone(built, tmp_path, tiny_compiled, "run", settings, "--out", "run")
    assert "complete at step 12,032" in told
    assert metrics(tmp_path / "run") == metrics(tiny_reference)
    newest = checkpoint.candidates(tiny_reference)[0]
    assert content(tmp_path / "run" / newest.name) == content(newest)
    exported = run_alone(
        built,
        tmp_path,
        tiny_compiled,
        "export",
        "--checkpoint",
        f"run/{newest.name}",
        "--out",
        "a.tar.gz",
    )
    assert (tmp_path / "a.tar.gz").exists(), exported


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tictactoe", "connectx-quick"])
def test_presets_begin_in_the_archive(built, tmp_path, tiny_compiled, preset):
    short = ("--set", "total_steps=100", "--set", "evaluate_interval=0")
    told = run_alone(built, tmp_path, tiny_compiled, "run", preset, "--out", "run", *short)
    assert "complete at step" in told
