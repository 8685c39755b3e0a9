"""Installing package sets with the real pip, from wheels built here."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation import packages
from evaluation.packages import PackagesError, steps
from evaluation.packages.steps import StepFailed, Steps
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.process import AgentProcess
from tests.evaluation.packages.wheels import write_set, write_wheel

PROJECT = Path(__file__).parents[3]
SOURCE = """
import os
VALUE = 42
print("TINY SEES", *sorted(os.environ))
"""
INSTALL = """
import sys
from pathlib import Path
from evaluation import packages
print(packages.python_of(sys.argv[1], Path(sys.argv[2]), lambda line: print(line, flush=True)))
"""


def write_tiny_set(data_dir: Path, source: str = SOURCE, more: str = "") -> None:
    """The set `tiny`, of one wheel with its hash."""
    wheels = data_dir / "packages" / "wheels"
    wheels.mkdir(parents=True)
    sha256 = write_wheel(wheels, "tiny", source)
    text = f'requirements = ["tiny==1.0 --hash=sha256:{sha256}"]\nwheels = "wheels"\n'
    write_set(data_dir, "tiny", text + more)


def installer(data_dir: Path) -> subprocess.Popen:
    """Another worker that needs the set."""
    return subprocess.Popen(
        [sys.executable, "-c", INSTALL, "tiny", data_dir],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
    )


def left_beside(python: Path) -> set[str]:
    """What an installation leaves, by the end of its names."""
    folder = python.parents[1]
    return {path.name[len(folder.name) :] for path in folder.parent.glob(f"{folder.name}*")}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """The interpreter of a set that was installed by somebody with secrets and a strict umask."""
    data_dir = tmp_path_factory.mktemp("data")
    write_tiny_set(data_dir, more='preload = ["tiny"]\nenvironment = { TINY = "1" }\n')
    old = os.umask(0o077)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SECRET_KEY", "very")
            return packages.python_of("tiny", data_dir)
    finally:
        os.umask(old)


def test_its_interpreter_imports_the_packages_and_nothing_else(tiny) -> None:
    words = [tiny, "-I", "-c", "import tiny; print(tiny.VALUE)"]
    assert subprocess.run(words, capture_output=True, check=True).stdout.endswith(b"42\n")
    django = subprocess.run([tiny, "-I", "-c", "import django"], capture_output=True)
    assert b"No module named 'django'" in django.stderr


def test_a_boxed_agent_imports_them(tiny, tmp_path) -> None:
    agent = tmp_path / "main.py"
    agent.write_text("import tiny\ndef agent(obs):\n    return tiny.VALUE\n")
    agent.chmod(0o644)
    with AgentProcess(agent, Limits(), agent_python=tiny) as box:
        assert box.act({}, {}, 10)[0] == 42


def test_everybody_may_read_it_and_nobody_else_may_write(tiny) -> None:
    folder = tiny.parents[1]
    for path in [folder.parent, folder, *folder.rglob("*")]:
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            assert mode & 0o022 == 0, path
            assert mode & 0o044 == 0o044, path
            assert not path.is_dir() or mode & 0o011 == 0o011, path


def test_modules_are_compiled_since_boxes_cannot(tiny) -> None:
    assert list(tiny.parents[1].glob("lib/python*/site-packages/__pycache__/tiny.*.pyc"))


def test_it_keeps_no_script_that_names_where_it_was_made(tiny) -> None:
    assert {path.name.rstrip("0123456789.") for path in tiny.parent.iterdir()} == {"python"}


def test_the_log_is_for_the_organiser_only_and_tells_all(tiny) -> None:
    log = Path(f"{tiny.parents[1]}.log")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "Successfully installed tiny-1.0" in log.read_text()


def test_modules_are_tried_with_the_variables_of_the_set_alone(tiny) -> None:
    log = Path(f"{tiny.parents[1]}.log").read_text()
    seen = next(line for line in log.splitlines() if line.startswith("TINY SEES")).split()[2:]
    assert {"TINY", "OMP_NUM_THREADS"} <= set(seen)
    assert not {"SECRET_KEY", "PATH", "DATA_DIR"} & set(seen)


def test_a_set_is_installed_once(tiny) -> None:
    data_dir = tiny.parents[3]
    before = tiny.parents[1].stat().st_ino
    lines: list[str] = []
    assert packages.python_of("tiny", data_dir, lines.append) == tiny
    assert (tiny.parents[1].stat().st_ino, lines) == (before, [])
    assert left_beside(tiny) == {"", ".lock", ".log"}


def test_the_overview_tells_what_is_there_and_what_is_of_no_use(tiny) -> None:
    data_dir = tiny.parents[3]
    rows = {line.split()[0]: line for line in packages.overview(data_dir)}
    assert "installed" in rows["tiny"]
    assert "on first use" in rows["scientific"]
    old = data_dir / "packages" / "tiny-0123456789abcdef"
    (old / "bin").mkdir(parents=True)
    assert list(packages.overview(data_dir))[-1].startswith(f"No set needs {old} any more")
    (old / "bin").rmdir()
    old.rmdir()


def test_the_command_installs_and_prints_the_interpreter(tiny) -> None:
    environment = {**os.environ, "DATA_DIR": str(tiny.parents[3])}
    words = [sys.executable, "-m", "evaluation", "packages"]
    done = subprocess.run(
        [*words, "tiny"], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.returncode) == (f"{tiny}\n", 0)
    done = subprocess.run(
        [*words, "none"], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert (done.stderr, done.returncode) == ("There is no package set named 'none'.\n", 1)


def test_a_changed_list_is_another_installation(tiny, tmp_path) -> None:
    one = packages.find("tiny", tiny.parents[3])
    write_wheel(tmp_path, "tiny")
    text = f'requirements = ["tiny==1.0"]\nwheels = "{tmp_path}"\n'
    write_set(tmp_path, "tiny", text)
    other = packages.python_of("tiny", tmp_path)
    assert one.requirements != packages.find("tiny", tmp_path).requirements
    assert other.parents[1].name != tiny.parents[1].name


def test_two_workers_install_it_once(tmp_path) -> None:
    write_tiny_set(tmp_path)
    first, second = installer(tmp_path), installer(tmp_path)
    said = [worker.communicate()[0].splitlines() for worker in (first, second)]
    assert said[0][-1] == said[1][-1]
    assert sorted(len(lines) > 1 for lines in said) == [False, True]
    assert left_beside(Path(said[0][-1])) == {"", ".lock", ".log"}


def test_what_a_killed_worker_left_is_made_anew(tmp_path) -> None:
    write_tiny_set(tmp_path)
    worker = installer(tmp_path)
    worker.stdout.readline()  # pip's first word
    children = subprocess.run(
        ["pgrep", "-P", str(worker.pid)], capture_output=True, text=True
    ).stdout.split()
    worker.kill()
    worker.communicate()
    assert children
    wait_for_end(children)
    assert len(list(tmp_path.glob("packages/tiny-*.partial-*"))) == 1
    python = packages.python_of("tiny", tmp_path)
    assert left_beside(python) == {"", ".lock", ".log"}
    assert subprocess.run([python, "-I", "-c", "import tiny"]).returncode == 0


def wait_for_end(pids: list[str]) -> None:
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline, f"{pids} outlived the worker"
        time.sleep(0.01)


def test_an_installation_whose_python_has_left_is_made_anew(tmp_path) -> None:
    write_tiny_set(tmp_path)
    python = packages.python_of("tiny", tmp_path)
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert packages.python_of("tiny", tmp_path) == python
    assert subprocess.run([python, "-I", "-c", "import tiny"]).returncode == 0


@pytest.mark.parametrize(
    ("source", "more", "sentence"),
    [
        ("", 'preload = ["absent"]', "ModuleNotFoundError: No module named 'absent'"),
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()",
            'preload = ["tiny"]',
            "importing tiny starts threads, which a module in preload may not",
        ),
        (
            "import os\nos.environ['TINY_MODE'] = '1'",
            'preload = ["tiny"]',
            "importing tiny sets the variable TINY_MODE, which environment must name",
        ),
    ],
)
def test_a_set_that_cannot_be_preloaded_is_not_installed(tmp_path, source, more, sentence) -> None:
    write_tiny_set(tmp_path, source, more)
    with pytest.raises(PackagesError) as caught:
        packages.python_of("tiny", tmp_path)
    assert str(caught.value) == f"The package set 'tiny' cannot be installed: {sentence}."
    assert list(tmp_path.glob("packages/tiny-*/")) == []


def test_pips_last_complaint_is_the_reason(tmp_path) -> None:
    write_tiny_set(tmp_path)
    write_wheel(tmp_path / "packages" / "wheels", "tiny", "another = 1")
    with pytest.raises(PackagesError, match=r"'tiny' cannot be installed: .*DO NOT MATCH THE HASH"):
        packages.python_of("tiny", tmp_path)
    (log,) = tmp_path.glob("packages/*.log")
    assert "Expected sha256" in log.read_text()


def test_a_package_that_is_nowhere_is_named(tmp_path) -> None:
    write_tiny_set(tmp_path)
    write_set(tmp_path, "tiny", 'requirements = ["absent==1.0"]\nwheels = "wheels"\n')
    lines: list[str] = []
    with pytest.raises(PackagesError, match=r": No matching distribution found for absent==1\.0\."):
        packages.python_of("tiny", tmp_path, lines.append)
    assert any("absent" in line for line in lines)


def test_a_missing_dependency_is_told_and_not_fetched(tmp_path) -> None:
    write_tiny_set(tmp_path)
    write_wheel(tmp_path / "packages" / "wheels", "tiny", needs="more-of-it>=2")
    text = 'requirements = ["tiny==1.0"]\nwheels = "wheels"\n'
    write_set(tmp_path, "tiny", text)
    lines: list[str] = []
    assert packages.python_of("tiny", tmp_path, lines.append).is_file()
    assert "tiny 1.0 requires more-of-it, which is not installed." in lines


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PackagesError, match=r"'scientific' cannot be installed: .*Not a directory"):
        packages.python_of("scientific", tmp_path / "file")


def test_pip_sees_its_own_variables_only(monkeypatch) -> None:
    given = {"PIP_INDEX_URL", "https_proxy", "HTTPS_PROXY", "HOME", "PATH", "SSL_CERT_FILE"}
    kept_back = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "KAGGLE_KEY", "PYTHONPATH", "MY_PATH"}
    for name in given | kept_back:
        monkeypatch.setenv(name, "x")
    seen = set(steps.pip_environment())
    assert given <= seen
    assert not kept_back & seen


class TestSteps:
    @pytest.fixture
    def run(self, tmp_path):
        def run(*words: str, limit_s: float = 10.0) -> str:
            with (tmp_path / "log").open("w") as log:
                Steps(log, lambda line: None, limit_s).run(words, dict(os.environ), tmp_path)
            return (tmp_path / "log").read_text()

        return run

    def test_a_command_that_never_ends_is_ended_with_all_it_started(self, run, tmp_path) -> None:
        with pytest.raises(StepFailed, match=r"it took longer than 0\.5 seconds"):
            run("/bin/sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait", limit_s=0.5)
        wait_for_end([(tmp_path / "pid").read_text().strip()])

    def test_a_command_without_a_word_is_named(self, run) -> None:
        with pytest.raises(StepFailed, match="/bin/false ended with 1"):
            run("/bin/false")

    def test_what_it_says_is_in_the_log_below_its_name(self, run) -> None:
        assert run("/bin/echo", "a b") == "$ /bin/echo 'a b'\na b\n"

    def test_nothing_is_read_from_the_terminal(self, run) -> None:
        assert run("/bin/cat") == "$ /bin/cat\n"
