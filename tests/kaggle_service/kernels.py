"""Kernels: pushes, what is told of them, their status and the quota they use."""

import json
from collections.abc import Iterator
from typing import Any

from tests.kaggle_service.accounts import Accounts
from tests.kaggle_service.answers import Answer, Request, json_answer
from tests.kaggle_service.files import Files
from tests.kaggle_service.options import Options
from tests.kaggle_service.paging import page
from tests.kaggle_service.pushes import Pushes, used_s
from tests.kaggle_service.sessions import Log
from tests.kaggle_service.store import Kernel, Store, Version


class Kernels:
    def __init__(
        self, store: Store, options: Options, accounts: Accounts, files: Files, pushes: Pushes
    ) -> None:
        self.store = store
        self.options = options
        self.accounts = accounts
        self.files = files
        self.calls = {
            "SaveKernel": pushes.save,
            "GetKernel": self.get,
            "GetKernelSessionStatus": self.status,
            "ListKernelSessionOutput": self.output,
            "ListKernels": self.list,
            "GetAcceleratorQuotaStatistics": self.quota,
        }

    def get(self, request: Request) -> Answer:
        """A version may stand in the slug as SLUG/N (2.2.4) or in versionLabel as vN."""
        asked = request.json
        slug, _, number = asked.get("kernelSlug", "").partition("/")
        kernel = self.store.kernel(asked.get("userName", ""), slug, request.caller.name)
        version = kernel.version(f"v{number}" if number else asked.get("versionLabel", ""))
        blob = {
            "source": version.text, "language": kernel.language,
            "kernelType": kernel.kind, "slug": kernel.slug,
        }  # fmt: skip
        return json_answer({"metadata": self._metadata(kernel, version), "blob": blob})

    def status(self, request: Request) -> Answer:
        session = self._find(request)[1].session
        answer: dict[str, Any] = {"status": self._word(session.status)}
        if session.message:
            answer["failureMessage"] = session.message
        return json_answer(answer)

    def output(self, request: Request) -> Answer:
        _, version = self._find(request)
        session = version.session
        names, token = page(
            session.visible_output(), request.json, self.options.page_size,
            self.options.largest_page,
        )  # fmt: skip
        files = [
            {"url": self.files.sign(session.working / name, name), "fileName": name}
            for name in names
        ]
        is_told = session.is_over or self.options.shows_log_while_running
        log = json.dumps(session.log.snapshot()) if is_told else ""
        return json_answer({"files": files, "log": log, "nextPageToken": token})

    def stream(self, request: Request) -> Answer:
        """Server-sent events while it runs; a JSON array once it is over."""
        session = self._find(request)[1].session
        if session.is_over:
            return json_answer(session.log.snapshot())
        headers = {"Content-Type": "text/event-stream"}
        return Answer(200, headers=headers, stream=_events(session.log))

    def list(self, request: Request) -> Answer:
        asked = request.json
        reader = request.caller.name
        with self.store.lock:
            kernels = [kernel for kernel in self.store.kernels.values() if kernel.versions]
        if asked.get("group") == "PROFILE":
            kernels = [kernel for kernel in kernels if kernel.owner == reader]
        wanted = [
            kernel for kernel in kernels
            if (not kernel.is_private or kernel.owner == reader)
            and asked.get("user", "") in ("", kernel.owner)
            and asked.get("search", "").lower() in kernel.title.lower()
        ]  # fmt: skip
        wanted.sort(key=lambda kernel: kernel.latest.date, reverse=True)
        some, token = page(wanted, asked, self.options.page_size, 100)
        rows = [self._metadata(kernel, kernel.latest) for kernel in some]
        return json_answer({"kernels": rows, "nextPageToken": token})

    def quota(self, request: Request) -> Answer:
        if not self.options.tells_quota:
            return json_answer({})
        resets_at = self.options.quota_resets_at
        owner = request.caller.name
        return json_answer({
            "quotaRefreshTime": resets_at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "gpuQuota": self._quota_of(owner, "gpu"),
            "tpuQuota": self._quota_of(owner, "tpu"),
        })  # fmt: skip

    def _quota_of(self, owner: str, accelerator: str) -> dict[str, Any]:
        used = used_s(self.store, self.accounts, owner, accelerator)
        return {
            "timeUsed": f"{used:.3f}s",
            "timeReserved": "0s",
            "totalTimeAllowed": f"{self.options.quota_s[accelerator]:.0f}s",
            "minimumTimeAllowed": "0s",
            "hasEverRun": used > 0,
        }

    def _find(self, request: Request) -> tuple[Kernel, Version]:
        asked = request.json
        kernel = self.store.kernel(
            asked.get("userName", ""), asked.get("kernelSlug", ""), request.caller.name
        )
        label = asked.get("versionLabel", "") if self.options.honours_label else ""
        return kernel, kernel.version(label)

    def _word(self, status: str) -> str:
        if not self.options.camel_case_status:
            return status
        first, *rest = status.lower().split("_")
        return first + "".join(word.capitalize() for word in rest)

    def _metadata(self, kernel: Kernel, version: Version) -> dict[str, Any]:
        sent = version.request
        told = {
            name: sent[name]
            for name in ("enableGpu", "enableTpu", "enableInternet", "machineShape",
                         "datasetDataSources", "kernelDataSources", "competitionDataSources")
            if name in sent
        }  # fmt: skip
        return told | {
            "id": kernel.id, "ref": kernel.ref, "title": kernel.title, "author": kernel.owner,
            "slug": kernel.slug, "language": kernel.language, "kernelType": kernel.kind,
            "isPrivate": kernel.is_private, "currentVersionNumber": kernel.latest.number,
            "lastRunTime": version.date.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        }  # fmt: skip


def _events(log: Log) -> Iterator[bytes]:
    for event in log.follow():
        yield f"data: {json.dumps(event)}\n\n".encode()
    yield b"data: END_OF_LOG\n\n"
