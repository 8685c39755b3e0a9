"""What somebody brings by hand: an output folder as a .zip, or one checkpoint."""

from pathlib import Path

from django.conf import settings

from kaggle_bridge import checkpoints, scratch
from kaggle_bridge.inspecting import inspection
from kaggle_bridge.models import TrainingRun
from league.errors import LeagueError, TooLarge

SUFFIXES = (".zip", ".safetensors")


def bring(run: TrainingRun, filename: str, content: bytes) -> int:
    """Checks it as what came from a session is checked; the number of new checkpoints."""
    _check(filename, content)
    with scratch.folder("brought-") as place:
        file = place / f"upload{Path(filename).suffix.lower()}"
        file.write_bytes(content)
        folder = place / "unpacked"
        folder.mkdir()
        try:
            found = inspection.look_at_upload(file, Path(filename).name, folder)
            if problem := _problem(run, found):
                raise LeagueError(problem, "bad_upload")
            return checkpoints.record(run, None, found)
        except inspection.InspectionError as error:
            raise LeagueError(str(error), "bad_upload") from None
        except inspection.InspectionFault as error:
            raise LeagueError(str(error), "platform_fault", 503) from None


def _problem(run: TrainingRun, found: inspection.Found) -> str:
    """Why nothing of it can be taken in; empty where something can."""
    misfits = [checkpoints.misfit(run, None, each) for each in found.checkpoints]
    if misfits:
        return misfits[0] if all(misfits) else ""
    return found.problems[0] if found.problems else "There is no checkpoint in this upload."


def _check(filename: str, content: bytes) -> None:
    if not filename.lower().endswith(SUFFIXES):
        raise LeagueError(
            "Upload a .zip of the output folder, or one .safetensors file.", "bad_extension"
        )
    if len(content) > settings.MAX_UPLOAD_BYTES:
        limit = settings.MAX_UPLOAD_BYTES // 2**20
        raise TooLarge(f"The upload is larger than {limit} MB: bring one checkpoint alone.")
