"""Inspection of what the trainer itself has saved."""

import json

import pytest

from kaggle_bridge.inspecting import inspection
from tests.kaggle_bridge.hand_made import version
from tests.training import tiny


class Short(tiny.Process):
    given = tiny.CONFIG | {"total_steps": 1300, "save_interval": 650, "evaluate_interval": 1300}


@pytest.mark.slow
def test_of_a_real_run_the_arena_is_told_and_the_agent_packed(tmp_path) -> None:
    run = Short(tmp_path / "run", tmp_path / "compiled")
    assert run.code() == 0, run.log.read_text()
    (path,) = run.out.glob("step_1[34]*.safetensors")
    (found,) = inspection.look_at_upload(path, path.name, tmp_path).checkpoints
    lines = [json.loads(line) for line in (run.out / "metrics.jsonl").read_text().splitlines()]
    assert found.arena == lines[-1]["arena/elo"]
    game = ("tictactoe", version("tictactoe"))
    agent = inspection.export_agent(path, tmp_path / "agent.tar.gz", *game, 0.05)
    assert agent.size_bytes > 1000
