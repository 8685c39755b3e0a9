"""What a run shows in a terminal, and that no terminal can hurt it."""

import os
import pty
import subprocess
import termios
from pathlib import Path

import pytest

from tests.training.toy_runs import COMMAND, assert_same, write_config

pytestmark = pytest.mark.slow


def test_terminal_shows_a_bar_and_its_metrics(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 120))
    command = [*COMMAND, str(write_config(tmp_path / "config")), "--out", str(out)]
    with subprocess.Popen(command, stdout=its, stderr=its, stdin=its) as run:
        os.close(its)
        shown = _all_of(ours)
    assert run.returncode == 0
    assert "starts at step 0 of 4,000" in shown
    assert "100%" in shown
    assert "loss=" in shown
    assert "\r" in shown
    assert "complete at step 4,000" in shown
    assert_same(out, reference)


def test_run_outlives_those_who_read_it(tmp_path: Path, reference: Path) -> None:
    out = tmp_path / "run"
    command = [*COMMAND, str(write_config(tmp_path / "config")), "--out", str(out)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline().startswith("devices:")
        run.stdout.close()
        errors = run.stderr.read()
    assert (run.returncode, errors) == (0, "")
    assert_same(out, reference)


def _all_of(descriptor: int) -> str:
    """Until the other end is closed, which reads as an error on Linux."""
    text = b""
    try:
        while chunk := os.read(descriptor, 4096):
            text += chunk
    except OSError:
        pass
    os.close(descriptor)
    return text.decode()
