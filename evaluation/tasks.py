"""The task that an evaluation worker runs. Specification and result are plain JSON.

The worker knows Redis and the folder of uploads, nothing else: no database, no secret key.
"""

import base64
import hashlib
import logging
import time
from pathlib import Path
from typing import Any

from evaluation import broker, packages, replay
from evaluation.bundle import BundleError, unpack, upload_path
from evaluation.match import (
    AgentSpec,
    EpisodeResult,
    EpisodeSpec,
    MatchResult,
    MatchSpec,
    boxes_for,
    play,
)
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.keeper import Wanted
from evaluation.signing import KEY_FILE
from evaluation.verdict import Verdict
from evaluation.version import code_version
from evaluation.worker import Settings, app, redis_client, settings, worker_name

logger = logging.getLogger(__name__)

PAUSE_S = 1.0
PROGRESS_TASK = "league.record_progress"


@app.task(name="evaluation.play_match")
def play_match(spec: dict[str, Any]) -> dict[str, Any]:
    """Plays a match once, however often it is delivered; the league records what is returned."""
    attempt = int(spec["attempt"])
    answer = {"attempt": attempt, "token": spec["token"], "worker": worker_name()}
    if spec["version"] != code_version():
        return answer | {"put_back": f"{worker_name()} runs other code than the league."}
    if not broker.claim(redis_client(), attempt, worker_name()):
        return answer | {"repeated": True}
    with broker.lease(redis_client(), attempt):
        return answer | _play(spec, settings())


def _play(spec: dict[str, Any], config: Settings) -> dict[str, Any]:
    report = _reporter(spec)
    try:
        _require_box(spec, config)
        folders, rejected = _unpack_uploads(spec, config, report)
        if rejected:
            return {"rejected": rejected}
        episodes = [_episode_spec(episode, folders, config) for episode in spec["episodes"]]
        played = _play_patiently(MatchSpec(episodes), report)
    except BoxMissing as error:
        return {"put_back": str(error)[:300]}
    except Exception as error:
        logger.exception("attempt %s failed", spec["attempt"])
        return {"fault": f"{type(error).__name__}: {error}"[:300]}
    return {"episodes": [_episode_json(result) for result in played.episodes]}


def _play_patiently(spec: MatchSpec, report: Any) -> MatchResult:
    """Once more after a moment where a box broke: its zygote may have died, and has a successor."""
    try:
        return play(spec, report)
    except BoxFailed as error:
        logger.warning("a box broke, trying again: %s", error)
        time.sleep(PAUSE_S)
        return play(spec, report)


class BoxMissing(Exception):
    """Strangers' agents cannot be boxed on this machine."""


def _require_box(spec: dict[str, Any], config: Settings) -> None:
    strangers = any(a["kind"] == "upload" for e in spec["episodes"] for a in e["agents"])
    if strangers and not config.has_box:
        raise BoxMissing(config.box_reason)


def _reporter(spec: dict[str, Any]) -> Any:
    """Sends each validation stage to the league as it happens; a lost message costs nothing."""
    reported: set[str] = set()

    def report(stage: str, seconds: float) -> None:
        if spec.get("report_stages") and stage not in reported:
            reported.add(stage)
            body = [spec["attempt"], spec["token"], stage, round(seconds, 4)]
            app.send_task(PROGRESS_TASK, body, queue="league", ignore_result=True)

    return report


def _unpack_uploads(
    spec: dict[str, Any], config: Settings, report: Any
) -> tuple[dict[str, Path], dict[str, Any] | None]:
    """Folders by content hash; or which upload was refused, and why."""
    started = time.monotonic()
    folders: dict[str, Path] = {}
    for agent in (agent for episode in spec["episodes"] for agent in episode["agents"]):
        sha256 = agent["source"]
        if agent["kind"] != "upload" or sha256 in folders:
            continue
        try:
            folders[sha256] = unpacked(config, sha256, agent["filename"])
        except BundleError as error:
            verdict = Verdict(error.code, str(error))
            return {}, {"sha256": sha256, "verdict": verdict.to_json()}
    report("unpacked", time.monotonic() - started)
    return folders, None


def unpacked(config: Settings, sha256: str, filename: str) -> Path:
    """The folder of an upload, unpacked on first use and shared by all later matches."""
    folder = config.data_dir / "agents" / sha256[:2] / sha256
    if not (folder / "main.py").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        upload = upload_path(config.data_dir, sha256)
        _require_whole(upload)
        unpack(upload, filename, folder, _agents_boxes(config))
    return folder


def _require_whole(upload: Path) -> None:
    """What the disk has damaged is no fault of who sent it in."""
    with upload.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != upload.name:
            raise OSError(f"the upload {upload.name} is damaged on our disk")


def _agents_boxes(config: Settings) -> Wanted:
    """Those of most agents: what will be needed anyway is all that has to be started."""
    folder = str(config.data_dir)
    return boxes_for(packages.DEFAULT, folder, [folder], config.minimum)


def _episode_spec(
    episode: dict[str, Any], folders: dict[str, Path], config: Settings
) -> EpisodeSpec:
    agents = []
    for agent in episode["agents"]:
        fields = {key: value for key, value in agent.items() if key != "filename"}
        if agent["kind"] == "upload":
            fields |= {"kind": "path", "source": str(folders[agent["source"]])}
        agents.append(AgentSpec(**fields))
    return EpisodeSpec(
        environment=episode["environment"],
        configuration=episode["configuration"],
        agents=agents,
        seed=episode["seed"],
        url_allow=config.url_allow,
        hidden=[str(config.data_dir)],
        clock=episode.get("clock", "charged"),
        pondering=episode.get("pondering", False),
        minimum=config.minimum,
        data_dir=str(config.data_dir),
        signing_key=str(config.data_dir / KEY_FILE),
    )


def _episode_json(result: EpisodeResult) -> dict[str, Any]:
    return {
        "statuses": result.statuses,
        "rewards": result.rewards,
        "scores": result.scores,
        "verdicts": result.verdicts,
        "overage": result.overage,
        "spent": [round(sum(seconds), 4) for seconds in result.timings],
        "slowest": [max(seconds, default=0.0) for seconds in result.timings],
        "seconds": round(result.seconds, 4),
        "steps": len(result.replay["steps"]),
        "overloaded": result.overloaded,
        "level": result.level,
        "cpu": result.cpu,
        "delay": result.delay,
        "cause": str(result.replay["info"]["result"]["cause"])[:300],
        "replay": base64.b64encode(replay.to_bytes(result.replay)).decode(),
        "logs": base64.b64encode(replay.to_bytes({"seats": result.step_logs})).decode(),
    }
