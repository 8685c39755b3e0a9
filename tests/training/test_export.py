"""Export: any sound checkpoint becomes a submission that plays anywhere; others are named."""

import ast
import hashlib
import statistics
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training import judge
from evaluation import bundle
from evaluation.match import AgentSpec, EpisodeSpec, MatchSpec, play
from tests.training.agents import (
    CONNECTX,
    MLP,
    TICTACTOE,
    env_of,
    exported,
    flat,
    load,
    params_of,
    write_checkpoint,
)
from tests.training.states import forge
from training import export
from training.__main__ import main
from training.export import ExportError
from training.networks import Network as Layout

PROJECT = Path(export.__file__).parents[1]
LARGE = Layout("mlp", 512, 2)  # 355,000 weights: more than main.py holds
CONFIGURATION = {**CONNECTX[1], "actTimeout": 2}
START = {"board": [0] * 42, "mark": 1, "remainingOverageTime": 60}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("run") / "step_1000.safetensors")


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """A single file of 0.05 seconds a move."""
    return exported(tmp_path_factory.mktemp("agent"), seconds=0.05)


def names_in(archive):
    with tarfile.open(archive) as tar:
        return tar.getnames()


def unpacked(archive, folder):
    return bundle.unpack(archive, archive.name, folder)


def test_the_command_says_what_it_has_written(checkpoint, tmp_path, capsys):
    out = tmp_path / "agent.tar.gz"
    assert main(["export", "--checkpoint", str(checkpoint), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert hashlib.sha256(out.read_bytes()).hexdigest() in said
    assert "connectx" in said
    assert "step 1,000" in said
    assert names_in(out) == ["main.py"]


def test_no_jax_is_imported(checkpoint, tmp_path):
    out = tmp_path / "agent.tar.gz"
    script = (
        "import sys; from training.__main__ import main;"
        f"code = main(['export', '--checkpoint', {str(checkpoint)!r}, '--out', {str(out)!r}]);"
        "sys.exit(code or int('jax' in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True)


def test_equal_checkpoints_make_equal_bytes(checkpoint, tmp_path):
    again = write_checkpoint(tmp_path / "again.safetensors", created="2030-01-01T00:00:00+00:00")
    assert again.read_bytes() != checkpoint.read_bytes()
    for name in ("agent.tar.gz", "main.py"):
        sums = [export.export(source, tmp_path / name).sha256 for source in (checkpoint, again)]
        assert sums[0] == sums[1]


def test_large_weights_lie_beside_the_source(tmp_path):
    checkpoint = write_checkpoint(tmp_path / "step_1.safetensors", network=LARGE)
    export.export(checkpoint, tmp_path / "agent.tar.gz")
    assert names_in(tmp_path / "agent.tar.gz") == ["main.py", "weights.safetensors"]


@pytest.mark.parametrize("network", [MLP, LARGE, Layout("resnet", 8, 1)], ids=str)
def test_an_agent_has_the_weights_of_its_checkpoint(network, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "step_1.safetensors", network=network)
    export.export(checkpoint, tmp_path / "agent.tar.gz", 1.5)
    names = load(unpacked(tmp_path / "agent.tar.gz", tmp_path / "unpacked"))
    assert names["MOVE_SECONDS"] == 1.5
    weights = flat(params_of(env_of(CONNECTX), network))
    assert names["PLAYER"].tensors.keys() == weights.keys()
    for name, tensor in weights.items():
        np.testing.assert_array_equal(names["PLAYER"].tensors[name], tensor)


def test_agent_is_the_last_callable_and_no_name_is_defined_twice(agent):
    names = load(agent)
    assert [name for name, value in names.items() if callable(value)][-1] == "agent"
    defined: Counter = Counter()
    for statement in ast.parse(agent.read_text()).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            defined[statement.name] += 1
        elif isinstance(statement, ast.Assign):
            targets = (node for target in statement.targets for node in ast.walk(target))
            defined.update(node.id for node in targets if isinstance(node, ast.Name))
    assert max(defined.values()) == 1
    assert "from training" not in agent.read_text()


def test_a_plan_of_so_many_simulations_is_the_same_each_time(agent):
    names = load(agent)
    for limits in ({"simulations": 64}, {"simulations": 64.0, "positions": 300}):
        plans = [names["plan"](START, CONFIGURATION, **limits) for _ in range(2)]
        assert plans[0] == plans[1]
        assert 0 < plans[0].simulations <= 64


WAYS = {
    "in its folder": "import os; os.chdir({folder!r})",
    "from elsewhere, by sys.path": "import sys; sys.path.append({folder!r})",
    "with its path": "__file__ = {main!r}",
}


@pytest.mark.parametrize("way", WAYS)
def test_weights_beside_the_source_are_found(way, tmp_path):
    """Also where the source is run without a path."""
    checkpoint = write_checkpoint(tmp_path / "step_1.safetensors", network=LARGE)
    export.export(checkpoint, tmp_path / "agent.tar.gz", 0.01)
    path = unpacked(tmp_path / "agent.tar.gz", tmp_path / "unpacked")
    prepare = WAYS[way].format(folder=str(path.parent), main=str(path))
    script = (
        f"{prepare}\nexec(open({str(path)!r}).read())\nprint(agent({START!r}, {CONFIGURATION!r}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd="/", capture_output=True, text=True, check=True
    )
    assert 0 <= int(result.stdout) < 7


FRESH = """
import sys, time
started = time.perf_counter()
names = {{}}
exec(compile(open({main!r}).read(), {main!r}, "exec"), names)
action = names["agent"]({observation!r}, {configuration!r})
took = time.perf_counter() - started
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(action, took, int(peak) / 1024)
"""


def test_the_first_move_of_a_process_is_soon_and_small(agent):
    """Loading included; on a busy machine the best of some tries counts."""
    script = FRESH.format(main=str(agent), observation=START, configuration=CONFIGURATION)
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    measured = [list(map(float, run.stdout.split())) for run in runs]
    assert min(seconds for _, seconds, _ in measured) < 1
    assert max(mebibytes for _, _, mebibytes in measured) < 100


def test_a_long_think_stays_in_its_memory(agent):
    asked = 'action = names["agent"]('
    script = FRESH.replace(asked, f'names["MOVE_SECONDS"] = 3.0\n{asked}').format(
        main=str(agent),
        observation={**START, "board": judge.board([3, 3, 3, 3, 2, 2])},
        configuration={**CONFIGURATION, "actTimeout": 60},
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(run.stdout.split()[2]) < 100


BOXED = [("connectx", CONNECTX, "tactical"), ("tictactoe", TICTACTOE, "negamax")]


def boxed(name, game, opponent, archive, tmp_path, count):
    """Matches of swapped seats; the results of the agent's."""
    folder = unpacked(archive, tmp_path / "unpacked").parent
    agent, other = AgentSpec(str(folder), startup_s=1), AgentSpec(opponent, "builtin")
    seats = [(agent, other) if number % 2 == 0 else (other, agent) for number in range(count)]
    episodes = [EpisodeSpec(name, {}, pair, seed=n) for n, pair in enumerate(seats)]
    results = play(MatchSpec(episodes)).episodes
    return [(result, number % 2) for number, result in enumerate(results)]


@pytest.mark.parametrize(("name", "game", "opponent"), BOXED)
def test_an_agent_plays_boxed_matches_without_a_fault(name, game, opponent, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "step_1.safetensors", game)
    export.export(checkpoint, tmp_path / "agent.tar.gz", 0.05)
    for result, seat in boxed(name, game, opponent, tmp_path / "agent.tar.gz", tmp_path, 2):
        assert result.verdicts == [None, None]
        assert result.statuses == ["DONE", "DONE"]
        assert result.overage[seat] == result.replay["configuration"].get(
            "remainingOverageTime", result.overage[seat]
        )


@pytest.mark.slow
def test_twenty_boxed_matches_at_full_thought_pass_without_a_fault(tmp_path):
    checkpoint = write_checkpoint(tmp_path / "step_1.safetensors", network=Layout("mlp", 256, 3))
    export.export(checkpoint, tmp_path / "agent.tar.gz")
    played = boxed("connectx", CONNECTX, "alphabeta", tmp_path / "agent.tar.gz", tmp_path, 20)
    for result, seat in played:
        assert result.verdicts == [None, None]
        assert statistics.median(result.timings[seat]) < 0.25
        assert max(result.timings[seat]) < 1  # half of what connectx allows


def spoilt(path, how):
    data = path.read_bytes()
    path.write_bytes(how(data))


SPOILT = {
    "cut short": lambda data: data[:-100],
    "a byte changed": lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    "a pickle": lambda data: b"\x80\x04" + data,
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_damaged_checkpoint_is_named_and_nothing_written(how, tmp_path, capsys):
    checkpoint = write_checkpoint(tmp_path / "step_7.safetensors")
    spoilt(checkpoint, SPOILT[how])
    refused(checkpoint, tmp_path / "agent.tar.gz", "step_7.safetensors", capsys)


def test_weights_that_are_no_numbers_are_refused(tmp_path, capsys):
    forge(tmp_path / "step_7.safetensors", {"params/a": np.array([np.nan], "f4")})
    refused(tmp_path / "step_7.safetensors", tmp_path / "main.py", "infinite weights", capsys)


def refused(checkpoint, out, reason, capsys, *options):
    """By the command, in one sentence, with exit code 2; no file is left."""
    before = sorted(checkpoint.parent.iterdir())
    code = main(["export", "--checkpoint", str(checkpoint), "--out", str(out), *options])
    said = capsys.readouterr().err
    assert code == 2
    assert reason in said
    assert said.count("\n") == 1
    assert sorted(checkpoint.parent.iterdir()) == before


def weights_with(**changes):
    weights = flat(params_of(env_of(CONNECTX), MLP))
    tensors = {f"params/{name}": tensor for name, tensor in weights.items()}
    return {name: tensor for name, tensor in (tensors | changes).items() if tensor is not None}


def environment(name, **configuration):
    return {"environment": {"name": name, "configuration": configuration}}


FOREIGN = {
    "another task": ({"task": "toy", **environment("connectx")}, "'toy'"),
    "another game": (environment("rps"), "'rps'"),
    "no network": ({"config": {}}, "what network"),
    "no size": (environment("connectx"), "what network"),
    "a size beyond reason": (
        environment("connectx", rows=6, columns=7, inarow=10**7),
        "what network",
    ),
    "a size below nothing": (
        environment("connectx", rows=-3, columns=-3, inarow=4),
        "what network",
    ),
    "another size": (environment("connectx", rows=5, columns=7, inarow=4), "params/input/kernel"),
    "a tensor missing": (
        {"tensors": weights_with(**{"params/value/bias": None})},
        "lacks the tensor params/value/bias",
    ),
    "a tensor too many": (
        {"tensors": weights_with(**{"params/x": np.ones(1, "f4")})},
        "unknown tensor params/x",
    ),
    "doubles": (
        {"tensors": weights_with(**{"params/value/bias": np.ones(1, "f8")})},
        "params/value/bias",
    ),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_checkpoint_of_something_else_is_refused(what, tmp_path, capsys):
    changes, reason = FOREIGN[what]
    checkpoint = write_checkpoint(tmp_path / "step_7.safetensors", **changes)
    refused(checkpoint, tmp_path / "agent.tar.gz", reason, capsys)


@pytest.mark.parametrize(
    ("out", "reason"),
    [
        ("nowhere/agent.tar.gz", "cannot be written"),
        ("agent.zip", "must end in .tar.gz or .py"),
        (".", "must end in"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(out, reason, tmp_path, capsys):
    checkpoint = write_checkpoint(tmp_path / "step_7.safetensors")
    refused(checkpoint, tmp_path / out, reason, capsys)


@pytest.mark.parametrize("seconds", ["61", "1e9"])
def test_moves_longer_than_a_minute_are_refused(seconds, tmp_path, capsys):
    checkpoint = write_checkpoint(tmp_path / "step_7.safetensors")
    refused(checkpoint, tmp_path / "agent.tar.gz", "60 seconds", capsys, "--move-seconds", seconds)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_seconds_that_are_no_time_are_refused(seconds, checkpoint, tmp_path):
    with pytest.raises(ExportError, match="seconds"):
        export.export(checkpoint, tmp_path / "agent.tar.gz", seconds)


def test_of_a_runs_folder_the_newest_checkpoint_is_taken(tmp_path):
    for step in (9, 10):
        write_checkpoint(tmp_path / f"step_{step}.safetensors", step=step)
    assert export.export(tmp_path, tmp_path / "agent.tar.gz").step == 10


def test_a_folder_without_checkpoints_is_named(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    refused(tmp_path / "run", tmp_path / "agent.tar.gz", "no checkpoint in", capsys)


def test_a_failed_export_leaves_the_agent_that_was_there(tmp_path, capsys):
    good, bad = tmp_path / "step_1.safetensors", tmp_path / "step_2.safetensors"
    write_checkpoint(good)
    bad.write_bytes(b"nothing")
    export.export(good, tmp_path / "main.py")
    before = (tmp_path / "main.py").read_bytes()
    refused(bad, tmp_path / "main.py", "step_2", capsys)
    assert (tmp_path / "main.py").read_bytes() == before
