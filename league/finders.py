"""Static files: hashed module names, and the browser files of games as /static/games/<game>/."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

BROWSER_SUFFIXES = {".js", ".css", ".svg", ".png"}


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashes the names inside ES module imports too, so that modules can be cached for ever."""

    support_js_module_import_aggregation = True
    # The compiled bundles of the API's documentation page name source maps that need not exist.
    manifest_strict = False


class GameFinder(BaseFinder):
    """Serves games/<game>/x.js from evaluation/envs/<game>/ and games/player/ from the player."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        evaluation = settings.BASE_DIR / "evaluation"
        self.folders = {"player": evaluation / "player"} | {
            path.name: path for path in sorted((evaluation / "envs").iterdir()) if path.is_dir()
        }

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        parts = Path(path).parts
        if len(parts) == 3 and parts[0] == "games" and parts[1] in self.folders:
            file = self.folders[parts[1]] / parts[2]
            if file.suffix in BROWSER_SUFFIXES and file.is_file():
                return [str(file)] if find_all else str(file)
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        for game, folder in self.folders.items():
            storage = FileSystemStorage(location=folder)
            storage.prefix = f"games/{game}"  # type: ignore[attr-defined]
            for file in sorted(folder.iterdir()):
                if file.suffix in BROWSER_SUFFIXES:
                    yield file.name, storage
