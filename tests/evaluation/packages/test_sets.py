"""Files of package sets: what they may say, and how a mistake in one is told."""

import json
import logging
from pathlib import Path

import pytest

from evaluation import packages
from evaluation.packages import PackagesError
from tests.evaluation.packages.wheels import write_set

HASH = "--hash=sha256:" + "0" * 64


def test_the_default_set_is_offered_first_and_own_sets_last(tmp_path) -> None:
    write_set(tmp_path, "a-set", 'requirements = ["tiny==1.0"]')
    found = [one.name for one in packages.available(tmp_path)]
    assert found == ["numpy", "scientific", "a-set"]
    assert [one.name for one in packages.available(None)] == found[:2]
    assert packages.available(None)[0].name == packages.DEFAULT


def test_every_built_in_set_lists_what_it_preloads() -> None:
    for one in packages.available(None):
        pinned = {requirement.partition("==")[0] for requirement in one.requirements}
        modules = {name.partition(".")[0] for name in one.preload}
        assert modules - {"sklearn"} <= pinned
        assert one.environment["OMP_NUM_THREADS"] == "1"
    assert packages.problems(None) == []


def test_what_a_file_leaves_out_has_a_default(tmp_path) -> None:
    write_set(tmp_path, "bare", 'requirements = ["tiny==1.0"]')
    bare = packages.find("bare", tmp_path)
    assert (bare.title, bare.memory_mb, bare.startup_s) == ("bare", 1024, 10.0)
    assert bare.preload == ()
    assert bare.wheels is None


def test_a_file_says_everything(tmp_path) -> None:
    (tmp_path / "packages" / "wheels").mkdir(parents=True)
    text = f"""
        title = "Tiny, and more"
        requirements = ["tiny==1.0 {HASH} {HASH}", "More.Tiny_2==2!1.0rc1+local {HASH}"]
        memory_mb = 2048
        startup_s = 2.5
        preload = ["tiny", "tiny.more"]
        environment = {{ TINY_THREADS = "1", OMP_NUM_THREADS = "2" }}
        wheels = "wheels"
    """
    write_set(tmp_path, "whole", text)
    whole = packages.find("whole", tmp_path)
    assert (whole.title, whole.memory_mb, whole.startup_s) == ("Tiny, and more", 2048, 2.5)
    assert whole.preload == ("tiny", "tiny.more")
    assert whole.environment["TINY_THREADS"] == "1"
    assert whole.environment["OMP_NUM_THREADS"] == "2"
    assert whole.wheels == tmp_path / "packages" / "wheels"
    assert whole.has_hashes


PINNED = 'requirements = ["tiny==1.0"]\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the key requirements is missing"),
        ("requirements = []", "requirements names no package"),
        ('requirements = "tiny==1.0"', "requirements is not a list of texts"),
        ("requirements = [1]", "requirements is not a list of texts"),
        *(
            (f"requirements = [{json.dumps(entry)}]", f"requirements has {entry!r}")
            for entry in (
                "tiny",
                "tiny>=1.0",
                "tiny==1.*",
                "tiny==1.0,==1.0",
                "tiny===1.0",
                "tiny[extra]==1.0",
                "tiny==1.0; python_version < '3.12'",
                "tiny @ https://example.org/tiny-1.0-py3-none-any.whl",
                "https://example.org/tiny-1.0-py3-none-any.whl",
                "./tiny-1.0-py3-none-any.whl",
                "--index-url=https://example.org",
                "-r more.txt",
                "tiny==1.0 --config-settings=a=b",
                "tiny==1.0 --hash=md5:" + "0" * 32,
                "tiny==1.0 --hash=sha256:0",
                "tiny==1.0\n--pre",
                "",
            )
        ),
        ('requirements = ["Tiny_1==1.0", "tiny.1==2.0"]', "requirements names tiny-1 twice"),
        (f'requirements = ["a==1 {HASH}", "b==1"]', "requirements has hashes for some packages"),
        (PINNED + "memory_mb = 1.5", "memory_mb is not a whole number from 64 to"),
        (PINNED + "memory_mb = true", "memory_mb is not a whole number"),
        (PINNED + "memory_mb = 0", "memory_mb is not a whole number"),
        (PINNED + "startup_s = 0", "startup_s is not from 0 to 3600 seconds"),
        (PINNED + "startup_s = nan", "startup_s is not from 0 to 3600 seconds"),
        (PINNED + 'startup_s = "10"', "startup_s is not from 0 to 3600 seconds"),
        (PINNED + 'preload = ["os; print(1)"]', "preload has 'os; print(1)'"),
        (PINNED + 'preload = "tiny"', "preload is not a list of texts"),
        (PINNED + "environment = 1", "environment is not a table"),
        (PINNED + 'environment = { "A B" = "1" }', "environment has 'A B'"),
        (PINNED + "environment = { THREADS = 1 }", "environment.THREADS is not a text"),
        (PINNED + 'title = ""', "title is not a line of text"),
        (PINNED + 'title = "a\\nb"', "title is not a line of text"),
        (PINNED + 'wheels = "nowhere"', "wheels names no folder"),
        (PINNED + "option = 1", "the key option is unknown"),
        ("requirements = [", "cannot be read"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(tmp_path, text, sentence) -> None:
    path = write_set(tmp_path, "wrong", text)
    with pytest.raises(PackagesError) as caught:
        packages.find("wrong", tmp_path)
    assert str(caught.value).startswith(f"The package set {path}")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert packages.problems(tmp_path) == [str(caught.value)]


def test_a_file_that_is_no_text_is_told_apart_from_a_missing_one(tmp_path) -> None:
    write_set(tmp_path, "wrong", "").write_bytes(b"\xff\xfe")
    with pytest.raises(PackagesError, match=r"wrong\.toml cannot be read"):
        packages.find("wrong", tmp_path)
    with pytest.raises(PackagesError, match="There is no package set named 'absent'"):
        packages.find("absent", tmp_path)


@pytest.mark.parametrize("name", ["Big", "a_b", "a b", "ä", "a" * 41, ".hidden", "a.b"])
def test_names_have_one_form(tmp_path, name) -> None:
    write_set(tmp_path, name, PINNED)
    assert [one.name for one in packages.available(tmp_path)] == ["numpy", "scientific"]
    assert "1 to 40 characters a-z, 0-9 and -" in packages.problems(tmp_path)[0]


@pytest.mark.parametrize("name", ["../numpy", "packages/own", "", "own.toml", "/own"])
def test_a_name_is_no_path(tmp_path, name) -> None:
    write_set(tmp_path, "own", PINNED)
    with pytest.raises(PackagesError, match="There is no package set named"):
        packages.python_of(name, tmp_path)


def test_a_built_in_set_cannot_be_shadowed(tmp_path) -> None:
    write_set(tmp_path, "numpy", PINNED)
    assert packages.find("numpy", tmp_path).requirements != ("tiny==1.0",)
    assert "a built-in set has this name" in packages.problems(tmp_path)[0]
    assert [one.name for one in packages.available(tmp_path)].count("numpy") == 1


def test_a_bad_file_leaves_the_others_in_use(tmp_path, caplog) -> None:
    write_set(tmp_path, "good", PINNED)
    bad = write_set(tmp_path, "bad", "requirements = 1")
    with caplog.at_level(logging.WARNING):
        names = [one.name for one in packages.available(tmp_path)]
    assert names == ["numpy", "scientific", "good"]
    assert str(bad) in caplog.text


def test_the_example_of_the_guide_is_a_set(tmp_path) -> None:
    guide = (Path(packages.__file__).parents[2] / "docs" / "packages.md").read_text("utf-8")
    write_set(tmp_path, "guide", guide.split("```toml\n")[1].split("```")[0])
    assert packages.problems(tmp_path) == []
    assert packages.available(tmp_path)[-1].preload == ("numpy", "numpy.random", "networkx")


def test_the_guide_tells_the_limits_of_the_built_in_sets() -> None:
    guide = (Path(packages.__file__).parents[2] / "docs" / "packages.md").read_text("utf-8")
    for one in packages.available(None):
        limits = f"| {one.memory_mb:,} MiB | {one.startup_s:g} s |"
        (row,) = (line for line in guide.splitlines() if line.startswith(f"| `{one.name}`"))
        assert limits in row


def test_the_default_set_lies_where_make_puts_it() -> None:
    project = Path(packages.__file__).parents[2]
    assert packages.python_of("numpy", None) == project / ".agent-venv" / "bin" / "python"


def test_another_set_needs_a_data_folder() -> None:
    with pytest.raises(PackagesError, match="'scientific' needs a data folder"):
        packages.python_of("scientific", None)
