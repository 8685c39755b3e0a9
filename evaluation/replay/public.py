"""What of a replay everybody may see."""

from evaluation.replay.packing import Replay


def strip_private(env_json: Replay) -> Replay:
    """The replay as everybody may see it: of the logs only how long each move took."""
    logs = [
        [{key: log[key] for key in ("duration",) if key in log} for log in step]
        for step in env_json.get("logs", [])
    ]
    return {**env_json, "info": dict(env_json.get("info", {})), "logs": logs}
