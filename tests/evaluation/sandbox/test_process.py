"""What an agent finds inside the box, what it may return, and how it is told what went wrong."""

import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from evaluation.agent import Actor
from evaluation.errors import DeadlineExceeded
from evaluation.sandbox.errors import AgentFailed, BoxFailed
from evaluation.sandbox.process import AgentProcess
from evaluation.sandbox.view import PROJECT
from tests.evaluation.sandbox.conftest import LIMITS
from tests.hostile.boxes import SYSTEM_PYTHON, as_ordinary_user
from tests.processes import descendants_of, is_running

OBSERVATION = {"step": 0, "board": [0, 1], "inner": {"x": [{"y": 7}]}, "remainingOverageTime": 60}
CONFIGURATION = {"actTimeout": 2, "columns": 7}


def ask(box, observation=OBSERVATION, configuration=CONFIGURATION, deadline_s=5.0):
    return box.act(observation, configuration, deadline_s)


def answer(box):
    assert box.load() is None, box.verdict
    action, _ = ask(box)
    assert box.verdict is None, box.verdict
    return action


def fault(box):
    """The verdict on a box that loads and fails at its first move."""
    assert box.load() is None, box.verdict
    action, _ = ask(box)
    assert isinstance(action, AgentFailed)
    assert action.verdict is box.verdict
    return box.verdict


def test_box_is_an_actor(boxed):
    assert isinstance(boxed("def agent(obs): return 1"), Actor)


def test_last_callable_plays(boxed):
    assert answer(boxed("def first(obs): return 1\ndef second(obs): return 2\nlimit = 3\n")) == 2


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def agent(): return 'none'", "none"),
        ("def agent(obs): return obs.step", 0),
        ("def agent(obs, config): return config.columns", 7),
        ("def agent(obs, config=None, depth=4): return [config.columns, depth]", [7, 4]),
        ("def agent(*everything): return len(everything)", 2),
        ("agent = lambda obs: obs['board'][1]", 1),
        ("class A:\n def __call__(self, obs): return obs.step\nagent = A()", 0),
        ("class A:\n def play(self, obs, config): return config.columns\nagent = A().play", 7),
        ("import functools\nagent = functools.partial(lambda o, c, d: d, d=9)", 9),
        (
            "import functools\ndef inner(obs): return obs.step\n"
            "@functools.wraps(inner)\ndef agent(*args): return inner(*args)",
            0,
        ),
    ],
)
def test_agent_takes_what_its_parameters_say(boxed, source, expected):
    assert answer(boxed(source)) == expected


def test_observation_is_attributes_and_items_at_every_depth(boxed):
    source = (
        "def agent(obs, config):\n"
        "    same = obs.inner.x[0].y == obs['inner']['x'][0]['y'] == 7\n"
        "    obs.own = 5\n"
        "    return [same, obs['own'], obs.get('nothing', 3), hasattr(obs, 'nothing')]\n"
    )
    assert answer(boxed(source)) == [True, 5, 3, False]


def test_module_runs_without_the_name_main(boxed):
    assert answer(boxed("name = __name__\ndef agent(obs): return name")) == "builtins"


def test_file_appears_as_main_in_the_folder_of_kaggle(boxed):
    source = (
        "import os, sys\n"
        "def agent(obs, config):\n"
        "    folder = '/kaggle_simulations/agent'\n"
        "    return [os.getcwd() == folder, os.listdir(), folder in sys.path, "
        "config.__raw_path__, __file__]\n"
    )
    main = "/kaggle_simulations/agent/main.py"
    assert answer(boxed(source)) == [True, ["main.py"], True, main, main]


def test_bundle_reads_its_files_and_imports_its_modules(boxed, tmp_path):
    (tmp_path / "bundle" / "lib").mkdir(parents=True)
    (tmp_path / "bundle" / "weights.txt").write_text("41")
    (tmp_path / "bundle" / "lib" / "adder.py").write_text("def add(x): return x + 1\n")
    (tmp_path / "bundle" / "main.py").write_text(
        "from lib.adder import add\n"
        "weights = int(open('/kaggle_simulations/agent/weights.txt').read())\n"
        "def agent(obs): return add(weights)\n"
    )
    assert answer(boxed(tmp_path / "bundle")) == 42


def test_bundle_cannot_be_changed(boxed, tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "main.py").write_text(
        "def agent(obs):\n"
        "    try: open('main.py', 'a')\n"
        "    except OSError as error: return error.strerror\n"
    )
    assert answer(boxed(tmp_path / "bundle")) in ("Read-only file system", "Permission denied")


def test_honest_agent_uses_numpy_threads_asyncio_and_tmp(boxed):
    source = (
        "import asyncio, tempfile, random\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import numpy as np\n"
        "async def double(x):\n"
        "    await asyncio.sleep(0)\n"
        "    return 2 * x\n"
        "def agent(obs):\n"
        "    solved = np.linalg.solve(np.eye(3) * 2, np.array([2.0, 4.0, 6.0]))\n"
        "    with ThreadPoolExecutor(4) as pool:\n"
        "        doubled = list(pool.map(lambda x: 2 * x, [1, 2]))\n"
        "    with tempfile.TemporaryFile() as file: written = file.write(b'abc')\n"
        "    drawn = random.random() + np.random.random()\n"
        "    return [solved.sum(), doubled, asyncio.run(double(4)), written, drawn >= 0]\n"
    )
    assert answer(boxed(source)) == [6.0, [2, 4], 8, 3, True]


def test_numpy_values_become_plain(boxed):
    source = (
        "import numpy as np\n"
        "def agent(obs):\n"
        "    scalars = [np.int64(3), np.float32(0.5), np.bool_(True)]\n"
        "    return [*scalars, np.arange(3), {'a': np.int8(1)}]\n"
    )
    assert answer(boxed(source)) == [3, 0.5, True, [0, 1, 2], {"a": 1}]


def test_two_boxes_draw_different_random_numbers(boxed):
    source = "import random\ndef agent(obs): return random.random()\n"
    assert answer(boxed(source)) != answer(boxed(source))


def test_state_lives_from_move_to_move_and_not_longer(boxed):
    source = "moves = []\ndef agent(obs):\n    moves.append(1)\n    return len(moves)\n"
    box = boxed(source)
    box.load()
    assert [ask(box)[0] for _ in range(3)] == [1, 2, 3]
    assert answer(boxed(source)) == 1


def test_large_observation_crosses(boxed):
    box = boxed("def agent(obs): return [len(obs.board), obs.board[-1]]")
    box.load()
    board = list(range(200_000))
    assert ask(box, {"board": board})[0] == [200_000, 199_999]


def test_output_is_kept_by_move_with_the_import_at_the_head(boxed):
    box = boxed(
        "import sys\nprint('imported')\n"
        "def agent(obs):\n    print('move', obs.step)\n    print('careful', file=sys.stderr)\n"
    )
    box.load()
    assert box.load_log["stdout"] == "imported\n"
    logs = [ask(box, {"step": step})[1] for step in range(2)]
    assert [log["stdout"] for log in logs] == ["imported\nmove 0\n", "move 1\n"]
    assert [log["stderr"] for log in logs] == ["careful\n", "careful\n"]


def test_output_beyond_the_limit_is_dropped_without_harm(boxed):
    limits = dataclasses.replace(LIMITS, log_bytes=1024)
    box = boxed("def agent(obs):\n    print('x' * 90 + '\\n', end='' * obs.step)\n", limits)
    box.load()
    texts = [ask(box, {"step": step})[1]["stdout"] for step in range(30)]
    assert box.verdict is None
    assert "".join(texts).count("x") <= 1024
    assert "output beyond 1 KiB was dropped" in "".join(texts)


def test_ten_thousand_lines_of_output_are_no_fault(boxed):
    box = boxed("def agent(obs):\n    for n in range(10_000): print('line', n)\n    return 4\n")
    assert answer(box) == 4


def test_output_is_plain_text_without_nul(boxed):
    box = boxed("import os\ndef agent(obs): os.write(1, b'a\\x00b\\xffc')\n")
    box.load()
    assert ask(box)[1]["stdout"] == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("def agent(obs:\n", "syntax_error", "syntax error in line 1"),
        ("x = '\0'\ndef agent(obs): return 1\n", "syntax_error", "syntax error"),
        ("import torch_of_the_future\n", "import_error", "torch_of_the_future"),
        ("from os import nothing_such\n", "import_error", "os"),
        ("x = 1\n", "no_callable", "no function"),
        ("def agent(obs): return 1\n1 / 0\n", "exception", "raised ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", "exited", "ended its own process"),
        ("import os\nos._exit(7)\n", "exited", "status 7"),
        ("hoard = [bytearray(1 << 24) for _ in range(10**6)]\n", "out_of_memory", "512 MiB"),
    ],
)
def test_fault_at_import_has_its_verdict(boxed, source, code, words):
    verdict = boxed(source).load()
    assert verdict is not None
    assert verdict.code == code, verdict
    assert words in verdict.message
    assert verdict.advice


def test_slow_import_is_a_startup_timeout(boxed):
    box = boxed("import time\ntime.sleep(30)\n", dataclasses.replace(LIMITS, startup_s=0.2))
    assert box.load().code == "startup_timeout"
    assert box.load_seconds < 2


def test_traceback_shows_the_agents_frames_only(boxed):
    source = (
        "import json\n"
        "def choose(obs):\n"
        "    return json.loads('{')\n"
        "def agent(obs):\n"
        "    return choose(obs)\n"
    )
    box = boxed(source)
    verdict = fault(box)
    assert verdict.code == "exception"
    assert verdict.message == "The agent raised JSONDecodeError."
    main = 'File "/kaggle_simulations/agent/main.py"'
    assert f"{main}, line 5, in agent" in verdict.detail
    assert f"{main}, line 3, in choose" in verdict.detail
    assert "return json.loads('{')" in verdict.detail
    assert verdict.detail.count("File ") == 2
    assert verdict.detail.rstrip().endswith("(char 1)")


def test_traceback_stands_in_the_log_too(boxed):
    box = boxed("def agent(obs): raise ValueError('no idea')\n")
    box.load()
    _, log = ask(box)
    assert "ValueError: no idea" in log["stderr"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("float('inf')", "Out of range float"),
        ("object()", "type object is not plain JSON"),
        ("{1, 2}", "type set is not plain JSON"),
        ("2**63", "beyond 64 bits"),
        ("'\\ud800'", "half a character"),
    ],
)
def test_action_that_json_cannot_carry_is_invalid(boxed, action, words):
    verdict = fault(boxed(f"def agent(obs): return {action}\n"))
    assert verdict.code == "invalid_action"
    assert words in verdict.message


def test_answer_above_its_limit_is_an_output_limit(boxed):
    limits = dataclasses.replace(LIMITS, answer_bytes=1000)
    assert fault(boxed("def agent(obs): return 'x' * 70_000\n", limits)).code == "output_limit"


def test_answer_above_a_small_limit_is_an_output_limit(boxed):
    limits = dataclasses.replace(LIMITS, answer_bytes=1000)
    assert fault(boxed("def agent(obs): return 'x' * 2000\n", limits)).code == "output_limit"


@pytest.mark.parametrize(("bank", "code"), [(0, "move_timeout"), (0.2, "bank_exhausted")])
def test_late_answer_is_killed_at_the_deadline(boxed, bank, code):
    box = boxed("def agent(obs):\n    while True: pass\n")
    box.load()
    observation = OBSERVATION | {"remainingOverageTime": bank}
    started = time.monotonic()
    action, log = ask(box, observation, {"actTimeout": 0.1}, 0.1 + bank)
    # On a busy machine it has up to three times as long, and two seconds.
    assert 0.1 + bank <= time.monotonic() - started < 3 * (0.1 + bank) + 2.5
    assert isinstance(action, DeadlineExceeded)
    assert box.verdict.code == code
    assert log["duration"] >= 0.1 + bank


def test_what_was_printed_before_the_deadline_is_kept(boxed):
    box = boxed("def agent(obs):\n    print('deep in thought')\n    while True: pass\n")
    box.load()
    assert ask(box, deadline_s=0.2)[1]["stdout"] == "deep in thought\n"


def test_failed_agent_stays_failed(boxed):
    box = boxed("def agent(obs): raise ValueError\n")
    fault(box)
    action, log = ask(box)
    assert isinstance(action, AgentFailed)
    assert log["duration"] < 0.1


def test_agent_that_ends_between_moves_is_noticed(boxed):
    source = (
        "import os, threading\n"
        "def agent(obs):\n"
        "    threading.Timer(0.05, os._exit, [3]).start()\n"
        "    return 1\n"
    )
    box = boxed(source, pondering=True)
    assert answer(box) == 1
    time.sleep(0.2)
    started = time.monotonic()
    ask(box)
    assert box.verdict.code == "exited"
    assert time.monotonic() - started < 2


def test_frozen_agent_does_nothing_between_moves(boxed):
    source = (
        "import threading, time\n"
        "ticks = 0\n"
        "def tick():\n"
        "    global ticks\n"
        "    while True: ticks += 1; time.sleep(0.001)\n"
        "threading.Thread(target=tick, daemon=True).start()\n"
        "def agent(obs): return ticks\n"
    )
    frozen, awake = boxed(source), boxed(source, pondering=True)
    before = [answer(box) for box in (frozen, awake)]
    time.sleep(0.5)
    gained = [answer(box) - ticks for box, ticks in zip((frozen, awake), before, strict=True)]
    assert gained[0] < 20
    assert gained[1] > 50


def test_signal_without_a_name_is_a_verdict_too(boxed):
    verdict = fault(boxed("import os\ndef agent(obs): os.kill(os.getpid(), 40)\n"))
    assert (verdict.code, verdict.message.split()[-1]) == ("killed_by_signal", "40.")


def test_crash_names_its_signal(boxed):
    verdict = fault(boxed("import ctypes\ndef agent(obs): ctypes.string_at(1)\n"))
    assert verdict.code == "killed_by_signal"
    assert "SIGSEGV" in verdict.message


def test_cpu_limit_ends_an_agent_that_the_clock_would_let_go_on(boxed):
    box = boxed("def agent(obs):\n    while True: pass\n", dataclasses.replace(LIMITS, cpu_s=1))
    verdict = fault(box)
    assert verdict.code == "killed_by_signal"
    assert "SIGXCPU" in verdict.message


def test_closing_leaves_neither_processes_nor_descriptors(boxed):
    boxed("def agent(obs): return 1").load()
    before = len(os.listdir("/proc/self/fd"))
    boxes = [
        boxed(
            "import threading, time\nthreading.Thread(target=time.sleep, args=[99]).start()\n"
            "def agent(obs): return 1"
        )
        for _ in range(3)
    ]
    assert [box.load() for box in boxes] == [None] * 3
    pids = [box.pid for box in boxes]
    for box in boxes:
        box.close()
        box.close()
    assert not any(map(is_running, pids))
    assert len(os.listdir("/proc/self/fd")) == before


def test_closed_box_stays_closed(boxed):
    box = boxed("def agent(obs): return 1")
    assert answer(box) == 1
    box.close()
    with pytest.raises(BoxFailed, match="closed"):
        ask(box)


def test_box_can_be_closed_before_it_stands(boxed):
    box = boxed("def agent(obs): return 1")
    pid = box.pid
    box.close()
    assert not is_running(pid)


def test_boxes_are_set_up_together_and_load_one_after_the_other(boxed):
    """Or the second would have the first one's time to import at nobody's charge."""
    source = "import time\nfirst = time.monotonic()\ndef agent(obs): return first"
    agents = [boxed(source) for _ in range(2)]
    assert agents[0].load() is None
    time.sleep(0.3)
    assert answer(agents[1]) - answer(agents[0]) > 0.25


def test_hidden_folder_below_a_visible_one_is_empty(boxed):
    folder = next(
        path for path in Path("/usr/lib").iterdir() if path.is_dir() and [*path.iterdir()]
    )
    source = f"import os\ndef agent(obs): return os.listdir({str(folder)!r})\n"
    assert answer(boxed(source)) != []
    assert answer(boxed(source, hidden=[folder])) == []


def test_source_without_main_is_the_platforms_fault(boxed, tmp_path):
    with pytest.raises(BoxFailed, match=r"no main\.py"):
        boxed(tmp_path)


def test_missing_source_is_the_platforms_fault(boxed, tmp_path):
    with pytest.raises(BoxFailed, match="No such file"):
        boxed(tmp_path / "gone.py")


def test_missing_interpreter_is_the_platforms_fault(boxed):
    with pytest.raises(BoxFailed, match="does not run"):
        boxed("def agent(obs): return 1", agent_python=Path("/nowhere/bin/python"))


ENDLESS = """
import sys
from pathlib import Path
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.process import AgentProcess

python = Path(sys.argv[2]) if sys.argv[2] else None
boxes = [AgentProcess(Path(sys.argv[1]), Limits(), agent_python=python) for _ in range(2)]
for box in boxes:
    box.start()
for box in boxes:
    box.load()
print("playing", flush=True)
boxes[0].act({}, {}, 60)
"""


def killed_worker_leaves_nothing(folder: Path, python: str, agent_python: str) -> None:
    """Starts a worker whose agent loops for ever, kills it, and waits for its boxes to vanish."""
    agent = folder / "endless.py"
    agent.write_text("def agent(obs):\n    while True: pass\n")
    with subprocess.Popen(
        [python, "-c", ENDLESS, agent, agent_python],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
    ) as worker:
        assert worker.stdout.readline() == b"playing\n"
        pids = descendants_of(worker.pid)
        assert len(pids) >= 4
        worker.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while left := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline, f"{left} outlived the worker"
        time.sleep(0.01)


@pytest.mark.parametrize("attempt", range(3))
def test_killed_worker_takes_its_boxes_along(tmp_path, attempt):
    killed_worker_leaves_nothing(tmp_path, sys.executable, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
def test_killed_worker_of_an_ordinary_user_takes_its_boxes_along():
    python = str(SYSTEM_PYTHON)
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lies where only root can reach
        os.chmod(folder, 0o777)
        as_ordinary_user(lambda: killed_worker_leaves_nothing(Path(folder), python, python))


def test_context_manager_closes(tmp_path):
    (tmp_path / "main.py").write_text("def agent(obs): return 1")
    with AgentProcess(tmp_path, LIMITS) as box:
        assert answer(box) == 1
        pid = box.pid
    assert not is_running(pid)
