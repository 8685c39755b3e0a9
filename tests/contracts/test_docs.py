"""The documents name what exists: variables, processes, commands, files."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import evaluation
from league.run import processes

PROJECT = Path(__file__).parents[2]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
CONTRACT = {
    "HOST", "PORT", "SITE_URL", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "SECRET_KEY",
    "ALLOWED_HOSTS", "EMAIL_URL", "SIGNUP", "DEBUG", "EVALUATION_CONCURRENCY", "SANDBOX_MINIMUM",
    "URL_AGENT_ALLOW_PRIVATE", "REPLAY_BUDGET_GB", "LOG_BUDGET_GB", "DISK_RESERVE_MB",
    "TRAINING_CALLS_PER_MINUTE", "TRAINING_POLL_SECONDS", "TRAINING_SESSION_HOURS",
    "TRAINING_GPU_HOURS", "TRAINING_TPU_HOURS",
}  # fmt: skip
WORDS = ("run", "test", "test-all", "check", "lint", "bench", "bench-long", "worker")


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def variables_of(*files: str) -> set[str]:
    """The names that are read from the environment: env_*("NAME", …), os.environ["NAME"]."""
    names = set()
    for node in (node for file in files for node in ast.walk(ast.parse(read(file)))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = ast.unparse(node.func)
            if function.startswith("env_") or function == "os.environ.get":
                names.add(str(node.args[0].value))
    return names - {"DJANGO_SETTINGS_MODULE"}


def first_column(text: str, heading: str = "") -> set[str]:
    """The code words in the first column of the tables below a heading, up to the next one."""
    section = text[text.index(heading) :] if heading else text
    section = re.split(r"\n## ", section, maxsplit=1)[0] if heading else section
    return {
        word
        for cell in re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
        for word in re.findall(r"`([^`]+)`", cell)
    }


def test_every_variable_is_documented_and_every_documented_one_exists():
    documented = first_column(read("docs/settings.md").split("## For make")[0])
    assert documented == CONTRACT
    assert variables_of("league/settings.py") == CONTRACT
    assert variables_of("evaluation/worker.py") <= CONTRACT | {"WORKER_SLOT"}


def test_every_variable_reaches_the_process_that_reads_it():
    every = {process.name: process for process in processes.site_processes("", PROJECT)}
    assert hidden_from(every["web"], "league/settings.py") == set()
    assert hidden_from(every["bridge-worker"], "league/settings.py") == {"ALLOWED_HOSTS", "SIGNUP"}
    assert hidden_from(every["evaluation-worker"], "evaluation/worker.py") == {"WORKER_SLOT"}
    assert hidden_from(every["training-worker"], "kaggle_bridge/local/worker.py") == set()


def hidden_from(process: processes.Process, file: str) -> set[str]:
    """The variables that a file reads and that the process does not get to see."""
    return {
        name
        for name in variables_of(file)
        if not any(fnmatchcase(name, pattern) for pattern in process.variables)
    }


def test_table_of_processes_is_the_real_one():
    documented = first_column(read("docs/operations.md"), "## The processes")
    real = [processes.private_redis(PROJECT), *processes.site_processes("", PROJECT)]
    assert documented == {process.name for process in real}


@pytest.mark.parametrize(
    "name", ["evaluation-worker", "league-worker", "beat", "bridge-worker", "training-worker"]
)
def test_table_of_processes_lists_what_each_may_see(name):
    row = re.search(rf"^\| `{name}` \|[^|]*\|([^|]*)\|", read("docs/operations.md"), re.MULTILINE)
    real = {p.name: p.variables for p in processes.site_processes("", PROJECT)}[name]
    assert set(re.findall(r"`([^`]+)`", row[1])) == set(real) - set(processes.BASE)


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_makefile_exists(word):
    makefile = read("Makefile")
    assert re.search(rf"^{word}:", makefile, re.MULTILINE)
    assert word in re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()


def test_every_folder_of_the_data_folder_is_described():
    documented = first_column(read("docs/operations.md"), "## The data folder")
    assert {"league.sqlite3", "uploads/", "episodes/", "redis/", "log/", "run/"} <= documented


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"(?<!!)\[[^]]+\]\(([^)#]+)[^)]*\)", text):
        if not link.startswith(("http:", "https:", "/")):
            assert (document.parent / link).exists(), link


def test_decision_records_are_numbered_once():
    numbers = [path.name[:4] for path in PROJECT.glob("docs/adr/*.md")]
    assert len(numbers) == len(set(numbers))


def test_agent_of_the_readme_plays(tmp_path):
    indented = re.search(r"```python\n(.*?)```", read("README.md"), re.DOTALL)[1]
    agent = tmp_path / "agent.py"
    agent.write_text("\n".join(line[3:] for line in indented.splitlines()), encoding="utf-8")
    last = evaluation.make("connectx").run([str(agent), "random"])[-1]
    assert [seat.status for seat in last] == ["DONE", "DONE"]


@pytest.mark.parametrize("document", ["README.md", "docs/engine.md"])
def test_examples_of_the_engine_run_as_they_stand(document):
    example = re.search(r"^```python\n(.*?)^```", read(document), re.DOTALL | re.MULTILINE)[1]
    subprocess.run([sys.executable, "-c", example], cwd=PROJECT, check=True, capture_output=True)
