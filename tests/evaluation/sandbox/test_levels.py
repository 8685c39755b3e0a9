"""What weaker levels still hold, tried on a machine that could do better."""

import os
from pathlib import Path

import pytest

from evaluation.sandbox import keeper, landlock, probe
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.keeper import Wanted
from evaluation.sandbox.nursery import LEVELS
from evaluation.sandbox.process import AgentProcess
from tests.evaluation.sandbox.conftest import LIMITS
from tests.hostile.boxes import SYSTEM_PYTHON

pytestmark = pytest.mark.skipif(
    not SYSTEM_PYTHON.exists(), reason="no interpreter that every uid can reach"
)
needs_scopes = pytest.mark.skipif(
    landlock.version() < probe.SCOPES, reason="this kernel's Landlock has no scopes"
)


@pytest.fixture
def at_level(monkeypatch):
    """Boxes of this level and no stronger one."""

    def only(name: str) -> Wanted:
        monkeypatch.setattr(probe, "LEVELS", [one for one in LEVELS if one.name == name])
        return Wanted(SYSTEM_PYTHON, (), preload=(), minimum=name)

    yield only
    keeper.close()


def play(source: str, wanted: Wanted, folder: Path):
    path = folder / "agent.py"
    path.write_text(source)
    with AgentProcess(path, LIMITS, wanted=wanted) as box:
        action, _ = box.act({"step": 3}, {}, 5)
        return action, box


@needs_scopes
def test_level_b_keeps_what_it_promises(at_level):
    kept = keeper._find(at_level("B"))
    assert kept.probe.level == "B"
    broken = {name for name, holds in kept.probe.checks.items() if not holds}
    assert broken <= set(probe.EXPLAINED) - probe.PROMISED["B"]
    kept.current.close()


@pytest.mark.parametrize("name", [pytest.param("B", marks=needs_scopes), "C"])
def test_agent_plays_and_leaves_nothing(at_level, tmp_path, name):
    action, box = play("def agent(obs): return [obs.step, __file__]\n", at_level(name), tmp_path)
    assert box.verdict is None, box.verdict
    assert (action[0], box.level) == (3, name)
    keeper.close()
    assert not Path(action[1]).parents[1].exists()


@needs_scopes
@pytest.mark.parametrize(
    "attempt",
    [
        "os.listdir(os.path.dirname(os.path.dirname(__file__)))",
        "os.listdir('/tmp')",
        "open('/etc/passwd').read()",
        "open('own', 'w')",
        "os.kill(os.getppid(), 9)",
        "socket.socket()",
        "os.fork()",
    ],
)
def test_level_b_refuses(at_level, tmp_path, attempt):
    source = f"import os, socket\ndef agent(obs):\n    {attempt}\n    return 0\n"
    _, box = play(source, at_level("B"), tmp_path)
    assert box.verdict.code == "forbidden_call"


@needs_scopes
def test_modes_of_files_stay_as_they_are(at_level, tmp_path):
    """They are not Landlock's business, and at level B other people's files have the same uid."""
    victim = tmp_path / "victim"
    victim.touch()
    source = f"import os\ndef agent(obs): os.chmod({str(victim)!r}, 0); os.utime({str(victim)!r})\n"
    before = victim.stat()
    play(source, at_level("B"), tmp_path)
    assert victim.stat().st_mode == before.st_mode
    assert victim.stat().st_mtime_ns == before.st_mtime_ns


def test_weaker_level_than_asked_for_is_refused(at_level):
    at_level("C")
    with pytest.raises(BoxFailed, match=r"^The box holds\."):
        keeper.lend(Wanted(SYSTEM_PYTHON, (), preload=(), minimum="B"))


def test_level_b_needs_scopes(at_level, monkeypatch):
    monkeypatch.setattr(landlock, "version", lambda: probe.SCOPES - 1)
    found = probe.find(SYSTEM_PYTHON, ())
    if found[0]:
        found[0].close()
    assert found[1].level in ("A", "C")


def test_uid_is_never_that_of_root(at_level):
    nursery = keeper.lend(at_level("C"))
    assert os.geteuid() != 0 or nursery._uid is not None
