"""SaveKernel: a push makes the next version of a kernel, and the version runs."""

from pathlib import Path
from typing import Any

from tests.kaggle_service.accounts import Accounts
from tests.kaggle_service.answers import Answer, Request, json_answer
from tests.kaggle_service.errors import ApiError
from tests.kaggle_service.options import Options
from tests.kaggle_service.sessions import Plan, Session
from tests.kaggle_service.store import Dataset, DatasetVersion, Kernel, Store, Version, slugify

# A retired TPU shape runs on a CPU, a retired GPU on its successor.
SHAPES = {
    "NvidiaTeslaT4": "gpu", "NvidiaTeslaP100": "gpu",
    "TpuV5E8": "tpu", "TpuV38": "tpu", "Tpu1VmV38": "tpu",
}  # fmt: skip


class PushError(Exception):
    """Told in `error` of an answer with status 200, as Kaggle does."""


def accelerator_of(sent: dict[str, Any]) -> str:
    shape = sent.get("machineShape")
    if shape:
        return SHAPES.get(shape, "cpu")
    if sent.get("enableTpu"):
        return "tpu"
    return "gpu" if sent.get("enableGpu") else "cpu"


def used_s(store: Store, accounts: Accounts, owner: str, accelerator: str) -> float:
    """Seconds of the week's quota: those of before, and of every session here."""
    own = [s for s in store.sessions() if s.plan.owner == owner]
    ran = sum(s.seconds for s in own if s.plan.accelerator == accelerator)
    return accounts[owner].used_s[accelerator] + ran


class Pushes:
    def __init__(self, store: Store, options: Options, accounts: Accounts, python: str) -> None:
        self.store = store
        self.options = options
        self.accounts = accounts
        self.python = python

    def save(self, request: Request) -> Answer:
        """Invalid sources are told, and the version runs without them."""
        owner, sent = request.caller.name, request.json
        try:
            with self.store.lock:
                if self.store.is_closed:
                    raise ApiError(503, "Service unavailable")
                self._check_text(sent)
                kernel = self._kernel(owner, sent)
                self._check_room(owner, accelerator_of(sent))
                valid, invalid = self._sources(request)
                self.store.kernels[kernel.ref] = kernel
                version = self._run(kernel, sent, valid)
        except PushError as error:
            return json_answer({"error": str(error)})
        return json_answer({
            "ref": f"{self.options.ref_prefix}{kernel.ref}",
            "url": f"https://www.kaggle.com/code/{kernel.ref}",
            "versionNumber": version.number,
            "kernelId": kernel.id,
            "invalidDatasetSources": invalid,
            "invalidCompetitionSources": sent.get("competitionDataSources", []),
            "invalidKernelSources": sent.get("kernelDataSources", []),
            "invalidModelSources": sent.get("modelDataSources", []),
        })  # fmt: skip

    def _check_text(self, sent: dict[str, Any]) -> None:
        size = len(sent.get("text", "").encode())
        if size > self.options.largest_source:
            raise PushError(f"Source is too large: {size} bytes")
        title = sent.get("newTitle", "")
        if title and not 5 <= len(title) <= self.options.longest_title:
            raise PushError(
                f"The title must be between 5 and {self.options.longest_title} characters"
            )

    def _kernel(self, owner: str, sent: dict[str, Any]) -> Kernel:
        """The one that is meant, or a new one; its slug is its title's."""
        kernel = self._known(owner, sent)
        if kernel is None:
            return self._new(owner, sent)
        if kernel.kind != sent.get("kernelType"):
            raise PushError("The kernel type cannot be changed")
        kernel.title = sent.get("newTitle") or kernel.title
        kernel.is_private = sent.get("isPrivate", kernel.is_private)
        return kernel

    def _known(self, owner: str, sent: dict[str, Any]) -> Kernel | None:
        if "id" in sent:
            kernels = self.store.kernels.values()
            found = next((k for k in kernels if k.id == sent["id"] and k.owner == owner), None)
            if found is None:
                raise PushError("Notebook not found")
            return found
        named, _, slug = sent.get("slug", "").partition("/")
        if named != owner:
            raise PushError("Notebook not found")
        return self.store.kernels.get(f"{owner}/{slug}")

    def _new(self, owner: str, sent: dict[str, Any]) -> Kernel:
        title = sent.get("newTitle", "")
        if not title:
            raise PushError("Notebook not found")
        slug = slugify(title)
        if f"{owner}/{slug}" in self.store.kernels:
            raise PushError(f'The requested title "{title}" is already in use by a notebook')
        return Kernel(
            next(self.store.ids), owner, slug, title, sent.get("kernelType", "script"),
            sent.get("language", "python"), sent.get("isPrivate", True),
        )  # fmt: skip

    def _check_room(self, owner: str, accelerator: str) -> None:
        most = self.options.sessions_at_once[accelerator]
        own = [s for s in self.store.sessions() if s.plan.owner == owner and s.holds_slot()]
        if sum(s.plan.accelerator == accelerator for s in own) >= most:
            raise PushError(f"Maximum batch {accelerator.upper()} session count of {most} reached.")
        if accelerator == "cpu":
            return
        if (
            used_s(self.store, self.accounts, owner, accelerator)
            >= self.options.quota_s[accelerator]
        ):
            raise PushError(f"Accelerator Quota Exceeded: no {accelerator.upper()} time is left")

    def _sources(self, request: Request) -> tuple[list[tuple[Dataset, DatasetVersion]], list[str]]:
        """Those to mount, and those that are told to be invalid."""
        valid, invalid = [], []
        for source in request.json.get("datasetDataSources", []):
            found = None if request.has("invalid-source") else self._source(request, source)
            if found:
                valid.append(found)
            else:
                invalid.append(source)
        return valid, invalid

    def _source(self, request: Request, source: str) -> tuple[Dataset, DatasetVersion] | None:
        """A version that is not ready yields to the newest that is."""
        owner, slug, number = (*source.split("/"), "", "")[:3]
        try:
            dataset = self.store.dataset(owner, slug, request.caller.name)
            if number and self.options.pins_datasets:
                dataset.version(int(number))
        except (ApiError, ValueError):
            return None
        ready = dataset.ready()
        if number and self.options.pins_datasets:
            ready = [version for version in ready if version.number <= int(number)]
        return (dataset, ready[-1]) if ready else None

    def _run(
        self, kernel: Kernel, sent: dict[str, Any], sources: list[tuple[Dataset, DatasetVersion]]
    ) -> Version:
        number = len(kernel.versions) + 1
        root = self.store.folder / "sessions" / kernel.owner / kernel.slug / f"v{number}"
        wanted_s = sent.get("sessionTimeoutSeconds") or self.options.session_limit_s
        plan = Plan(
            root, sent.get("text", ""), kernel.kind == "notebook", kernel.owner,
            accelerator_of(sent), min(wanted_s, self.options.session_limit_s),
            tuple((version.folder, self._place(dataset)) for dataset, version in sources),
        )  # fmt: skip
        session = Session(plan, self.options, self.python)
        request = {name: value for name, value in sent.items() if name != "text"}
        version = Version(number, plan.text, request, session)
        kernel.versions.append(version)
        return version

    def _place(self, dataset: Dataset) -> Path:
        if self.options.layout == "owner":
            return Path("datasets", dataset.owner, dataset.slug)
        return Path(dataset.slug)
