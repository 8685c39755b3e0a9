"""A zygote is replaced when it is old or has died, and one that cannot be replaced serves on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation.sandbox import keeper
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.keeper import Wanted
from evaluation.sandbox.process import AgentProcess
from evaluation.sandbox.view import default_agent_python
from tests.evaluation.sandbox.conftest import LIMITS
from tests.processes import descendants_of, is_running


@pytest.fixture
def wanted(tmp_path):
    """Boxes of a kind that no other test has; their zygotes end with the test."""
    yield Wanted(default_agent_python(), (tmp_path,), preload=())
    keeper.close()


def play(wanted: Wanted, folder: Path) -> int:
    source = folder / "agent.py"
    source.write_text("def agent(obs): return obs.step\n")
    with AgentProcess(source, LIMITS, wanted=wanted) as box:
        action, _ = box.act({"step": 7}, {}, 5)
    assert box.verdict is None, box.verdict
    return action


def zygote_of(nursery) -> int:
    """The last of its guards' line: bubblewrap, the first process, the zygote."""
    return descendants_of(nursery._process.pid)[1]


def test_same_boxes_come_from_one_zygote(wanted, tmp_path):
    assert keeper.lend(wanted) is keeper.lend(wanted)
    play(wanted, tmp_path)
    assert keeper.lend(wanted).launches == 2  # the probe's and this one


def test_old_zygote_is_replaced_while_the_league_plays_on(wanted, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "RECYCLE_AFTER_LAUNCHES", 3)
    first = keeper.lend(wanted)
    deadline = time.monotonic() + 20
    while keeper.lend(wanted) is first:
        assert play(wanted, tmp_path) == 7
        assert time.monotonic() < deadline
    assert play(wanted, tmp_path) == 7
    assert first._process.poll() is not None, "the old one should have ended"


def test_zygote_that_still_has_a_box_in_play_ends_after_it(wanted, tmp_path):
    source = tmp_path / "agent.py"
    source.write_text("def agent(obs): return obs.step\n")
    nursery = keeper.lend(wanted)
    with AgentProcess(source, LIMITS, wanted=wanted) as box:
        assert box.load() is None
        nursery.retire()
        assert box.act({"step": 3}, {}, 5)[0] == 3
    assert nursery._process.poll() is not None


def test_dead_zygote_is_replaced_at_once(wanted, tmp_path):
    nursery = keeper.lend(wanted)
    os.kill(zygote_of(nursery), signal.SIGKILL)
    nursery._process.wait(5)
    assert play(wanted, tmp_path) == 7


def test_zygote_that_answers_too_late_is_not_asked_again(wanted, tmp_path):
    nursery = keeper.lend(wanted)
    zygote = zygote_of(nursery)
    nursery._control.settimeout(0.2)
    os.kill(zygote, signal.SIGSTOP)
    with pytest.raises(BoxFailed, match="does not answer"):
        nursery.launch()
    os.kill(zygote, signal.SIGCONT)
    assert play(wanted, tmp_path) == 7
    assert keeper.lend(wanted) is not nursery


def test_old_zygote_serves_on_where_its_successor_cannot_be_had(wanted, tmp_path, monkeypatch):
    first = keeper.lend(wanted)
    monkeypatch.setattr(keeper, "RECYCLE_AFTER_LAUNCHES", 1)
    for _ in range(4):
        assert play(wanted, tmp_path) == 7
        if successor := keeper._kept[wanted].successor:
            outer = successor._process.pid
            for one in [*descendants_of(outer), outer]:  # with bubblewrap alone it would live on
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            successor._process.wait()
    assert keeper.lend(wanted) is first


def test_missing_level_is_named(tmp_path):
    with pytest.raises(BoxFailed, match="does not run"):
        keeper.lend(Wanted(Path("/nowhere/python"), ()))


def test_forked_process_has_zygotes_of_its_own(wanted, tmp_path):
    nursery = keeper.lend(wanted)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if play(wanted, tmp_path) == 7 and keeper.lend(wanted) is not nursery else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert play(wanted, tmp_path) == 7
    assert keeper.lend(wanted) is nursery


def test_ended_process_leaves_no_zygote(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from evaluation.sandbox import keeper\n"
        "from evaluation.sandbox.view import default_agent_python\n"
        "nursery = keeper.lend(keeper.Wanted(default_agent_python(), (), preload=()))\n"
        "from tests.processes import descendants_of\n"
        "import os; print(*descendants_of(os.getpid()), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) > 2, done.stderr
    deadline = time.monotonic() + 5
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
