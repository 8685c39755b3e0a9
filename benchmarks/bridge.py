"""What a training run costs before it trains, and how long it takes from the button to a rating."""

import json
import time
from importlib import resources
from typing import Any

from benchmarks.measure import Row, seconds
from benchmarks.site import Site, running_site
from kaggle_bridge import kernel
from kaggle_bridge.kernel import Order

PRESET = "tictactoe"
KERNEL_KB, RATED_S = 400, 240
GIVE_UP_S = 900


def kernels() -> list[Row]:
    """The first build of a process packs the code; the next ones only write another order."""
    preset = resources.files("training").joinpath("presets", f"{PRESET}.json").read_text("utf-8")
    order = Order(1, 1, "0" * 32, json.loads(preset), "cpu", 9 * 3600)
    first, second = (seconds(lambda: kernel.build(order)) for _ in range(2))
    kilobytes = len(kernel.build(order).source.encode()) / 1000
    return [
        Row("kernel of a session", f"{kilobytes:.0f} KB", f"{KERNEL_KB} KB", kilobytes < KERNEL_KB),
        Row("kernel built, first and next of a process", f"{first:.2f} s, {second:.4f} s", ""),
    ]


def button(processes: int) -> list[Row]:
    """The preset as it is, trained by a fresh league itself while that plays its own matches."""
    with running_site(EVALUATION_CONCURRENCY="0") as site:
        token = site.manage("token", "admin", "--staff")
        started = time.monotonic()
        wish = {"preset": PRESET, "backend": "local", "competition": PRESET}
        number = site.post("/api/v1/training/runs", wish, token)["id"]
        seen = _milestones(site, f"/api/v1/training/runs/{number}", started)
    return [
        Row("button to first numbers of the trainer", f"{seen['numbers']:.0f} s", ""),
        Row("button to first entrant with a rating", f"{seen['rated']:.0f} s", f"{RATED_S} s",
            seen["rated"] < RATED_S),
        Row("button to all entrants with a rating", f"{seen['all']:.0f} s", ""),
    ]  # fmt: skip


def _milestones(site: Site, path: str, started: float) -> dict[str, float]:
    """Seconds from the start until each was first seen."""
    seen: dict[str, float] = {}
    while "all" not in seen:
        run = site.json(path)
        for name in _reached(site, run):
            seen.setdefault(name, time.monotonic() - started)
        if run["error"] or time.monotonic() - started > GIVE_UP_S:
            raise SystemExit(f"The run is {run['state']}: {run['error'] or run['note']}")
        time.sleep(0.5)
    return seen


def _reached(site: Site, run: dict[str, Any]) -> list[str]:
    numbers = [each["submission"] for each in run["checkpoints"] if each["submission"]]
    rated = [site.json(f"/api/v1/submissions/{number}")["matches"] > 0 for number in numbers]
    is_over = run["state"] == "IMPORTED" and all(rated)
    names = {"numbers": bool(run["metrics"]), "rated": any(rated), "all": is_over}
    return [name for name, is_reached in names.items() if is_reached]
