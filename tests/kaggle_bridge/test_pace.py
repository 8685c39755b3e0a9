"""So many requests a minute, one call at a time, across processes and restarts."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kaggle_bridge.client.pace import WINDOW_S, NotYet, Pace

HOLDER = """
import sys, time
from pathlib import Path
from kaggle_bridge.client.pace import Pace
with Pace(Path(sys.argv[1]), 5).holding():
    print("held", flush=True)
    time.sleep(60)
"""


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pace(folder: Path, clock: Clock, calls: int = 3) -> Pace:
    return Pace(folder, calls, clock)


def test_no_window_of_a_minute_has_more_than_is_allowed(tmp_path: Path) -> None:
    clock, sent = Clock(), []
    for _ in range(20):
        clock.now += 4.0
        each = pace(tmp_path, clock)  # every time as a new process would
        each.take(WINDOW_S, clock.sleep)
        sent.append(clock.now)
    assert all(later - earlier >= WINDOW_S for earlier, later in zip(sent, sent[3:], strict=False))
    assert sent[-1] - sent[0] < 20 * WINDOW_S / 3 + 20 * 4.0, "and no slower than it must be"


def test_a_call_that_would_wait_long_is_put_off(tmp_path: Path) -> None:
    clock = Clock()
    each = pace(tmp_path, clock)
    for _ in range(3):
        each.take(0.0, clock.sleep)
    clock.now += 20
    with pytest.raises(NotYet) as caught:
        each.take(40.0, clock.sleep)
    assert caught.value.retry_after_s == pytest.approx(WINDOW_S - 20)
    assert clock.slept == []
    each.take(WINDOW_S, clock.sleep)
    assert clock.slept == [pytest.approx(WINDOW_S - 20)]


def test_several_slots_are_waited_for_together(tmp_path: Path) -> None:
    clock = Clock()
    each = pace(tmp_path, clock)
    each.take(0.0)
    clock.now += 10
    each.take(0.0)
    assert each.wait_s(1) == 0.0
    assert each.wait_s(2) == pytest.approx(WINDOW_S - 10)
    assert each.wait_s(99) == pytest.approx(WINDOW_S), "no more than there are"


def test_clock_that_was_set_back_frees_no_slot_and_blocks_for_a_minute_at_most(
    tmp_path: Path,
) -> None:
    clock = Clock(100_000.0)
    for _ in range(3):
        pace(tmp_path, clock).take(0.0)
    clock.now = 5.0
    assert pace(tmp_path, clock).wait_s() == pytest.approx(WINDOW_S)
    clock.now += 30
    assert pace(tmp_path, clock).wait_s() == pytest.approx(WINDOW_S - 30)
    clock.now += 32
    assert pace(tmp_path, clock).wait_s() == 0.0


@pytest.mark.parametrize("torn", [b"", b"[1000.0, 10", b'{"a": 1}', b"[null]", b"7", b"\xff"])
def test_torn_file_counts_as_a_minute_used_up(torn: bytes, tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "requests.json").write_bytes(torn)
    assert pace(tmp_path, clock).wait_s() == pytest.approx(WINDOW_S)
    clock.now += WINDOW_S
    assert pace(tmp_path, clock).wait_s() == 0.0


def test_the_file_stays_small(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(50):
        clock.now += WINDOW_S
        pace(tmp_path, clock).take(0.0)
    assert len(json.loads((tmp_path / "requests.json").read_bytes())) <= 3


def test_one_at_a_time_until_the_holder_dies(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(NotYet, match="under way"), Pace(tmp_path, 5).holding():
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with Pace(tmp_path, 5).holding():
        pass


def test_a_child_holds_what_it_inherits(tmp_path: Path) -> None:
    with Pace(tmp_path, 5).holding() as lock:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[lock])
    try:
        with pytest.raises(NotYet), Pace(tmp_path, 5).holding():
            pass
    finally:
        child.kill()
        child.wait()
    with Pace(tmp_path, 5).holding():
        pass
