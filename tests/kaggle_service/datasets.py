"""Datasets: creation, versions, their way to `ready`, and what is in them."""

import shutil
from pathlib import Path
from typing import Any

from tests.kaggle_service.answers import Answer, Request, json_answer
from tests.kaggle_service.blobs import Blob, Blobs
from tests.kaggle_service.errors import ApiError, denied
from tests.kaggle_service.options import Options
from tests.kaggle_service.paging import page
from tests.kaggle_service.store import Dataset, DatasetVersion, Store


class Datasets:
    def __init__(self, store: Store, options: Options, blobs: Blobs) -> None:
        self.store = store
        self.options = options
        self.blobs = blobs
        self.calls = {
            "CreateDataset": self.create,
            "CreateDatasetVersion": self.create_version,
            "GetDataset": self.get,
            "GetDatasetStatus": self.status,
            "ListDatasetFiles": self.list_files,
        }

    def create(self, request: Request) -> Answer:
        """A slug in use is an error in an answer with status 200."""
        sent, owner = request.json, request.caller.name
        if sent.get("ownerSlug") != owner:
            raise denied("datasets.create")
        title, slug = sent.get("title", ""), sent.get("slug", "")
        with self.store.lock:
            if f"{owner}/{slug}" in self.store.datasets:
                return _refused(f'The requested title "{title}" is already in use by a dataset.')
            is_private = sent.get("isPrivate", False)
            dataset = Dataset(next(self.store.ids), owner, slug, title, is_private)
            return self._add(dataset, sent, request)

    def create_version(self, request: Request) -> Answer:
        """Not idempotent: what is sent twice makes two versions."""
        sent = request.json
        with self.store.lock:
            dataset = self._named(request)
            if dataset.owner != request.caller.name:
                raise denied("datasets.update")
            return self._add(dataset, sent.get("body", {}), request)

    def get(self, request: Request) -> Answer:
        dataset = self._named(request)
        numbers = [v.number for v in self._counted(dataset)]
        return json_answer({
            "id": dataset.id, "ref": dataset.ref, "title": dataset.title,
            "ownerName": dataset.owner, "ownerRef": dataset.owner,
            "isPrivate": dataset.is_private, "currentVersionNumber": max(numbers, default=0),
            "url": f"https://www.kaggle.com/datasets/{dataset.ref}",
            "totalBytes": sum(path.stat().st_size for path in dataset.version(None).files),
        })  # fmt: skip

    def status(self, request: Request) -> Answer:
        return json_answer({"status": self._named(request).version(None).status})

    def list_files(self, request: Request) -> Answer:
        dataset = self._named(request)
        number = request.json.get("datasetVersionNumber")
        version = dataset.version(number)
        some, token = page(version.files, request.json, self.options.page_size, 200)
        rows = [_row(dataset, version, path) for path in some]
        return json_answer({"datasetFiles": rows, "nextPageToken": token})

    def _named(self, request: Request) -> Dataset:
        sent = request.json
        return self.store.dataset(
            sent.get("ownerSlug", ""), sent.get("datasetSlug", ""), request.caller.name
        )

    def _counted(self, dataset: Dataset) -> list[DatasetVersion]:
        if self.options.counts_version_when == "ready":
            return dataset.ready()
        return dataset.versions

    def _add(self, dataset: Dataset, sent: dict[str, Any], request: Request) -> Answer:
        """The next version is these files and no others."""
        try:
            tokens = [file.get("token", "") for file in sent.get("files", [])]
            blobs = [self.blobs.take(token, dataset.owner) for token in tokens]
        except ApiError as error:
            return _refused(error.message)
        if not blobs:
            return _refused("At least one file is needed")
        if not request.has("unkept-dataset"):
            version = self.add_version(dataset, blobs, sent.get("versionNotes", ""))
            version.fails = request.has("failed-dataset")
            if sent.get("deleteOldVersions"):
                dataset.versions[:] = [version]
        answer = {"ref": dataset.ref, "status": "Ok", "error": ""}
        return json_answer(answer | {"url": f"https://www.kaggle.com/datasets/{dataset.ref}"})

    def add_version(self, dataset: Dataset, blobs: list[Blob], notes: str) -> DatasetVersion:
        dataset.last_number += 1
        number = dataset.last_number
        folder = self.store.folder / "datasets" / dataset.owner / dataset.slug / str(number)
        folder.mkdir(parents=True)
        for blob in blobs:
            self._unpack(blob, folder)
        version = DatasetVersion(number, folder, notes, self.options.dataset_delay_s)
        dataset.versions.append(version)
        self.store.datasets[dataset.ref] = dataset
        return version

    def _unpack(self, blob: Blob, folder: Path) -> None:
        """An archive becomes a folder of its name."""
        path = folder / blob.name
        path.write_bytes(blob.content)
        if self.options.unpacks_archives and path.suffix in (".zip", ".tar"):
            shutil.unpack_archive(path, path.with_suffix(""), **_filter(path))
            path.unlink()


def _filter(path: Path) -> dict[str, Any]:
    return {"filter": "data"} if path.suffix == ".tar" else {}


def _refused(message: str) -> Answer:
    return json_answer({"status": "error", "error": message})


def _row(dataset: Dataset, version: DatasetVersion, path: Path) -> dict[str, Any]:
    name = str(path.relative_to(version.folder))
    return {
        "ref": name, "name": name, "datasetRef": dataset.ref, "ownerRef": dataset.owner,
        "totalBytes": path.stat().st_size, "fileType": path.suffix,
        "creationDate": version.date.replace(tzinfo=None).isoformat(timespec="milliseconds"),
    }  # fmt: skip
