"""One call to Kaggle: `python -m kaggle_bridge.client PARENT_PID`, a process of its own.

An order (JSON) on the standard input, an answer (JSON) in the file that it names: the client
prints at import, so standard output says nothing. The only module that imports `kaggle`.
Speaks kaggle 2.2.4 with kagglesdk 0.1.37, whose requests know versions where its functions do not.
"""

import ctypes
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from kaggle_bridge.backend import (
    BackendError,
    Missing,
    NoAccess,
    Refused,
    Stage,
    Trouble,
    Unsure,
)
from kaggle_bridge.client import downloads, log_stream, protocol
from kaggle_bridge.client.credentials import Credentials
from kaggle_bridge.client.pace import Pace
from kaggle_bridge.client.transport import Transport
from kaggle_bridge.client.verdicts import Denied, judge, refusal

PR_SET_PDEATHSIG = 1
# The client would take these for credentials, whatever it is given (KAGGLE_X is its setting x).
TAKEN_AS_CREDENTIALS = (
    "KAGGLE_API_TOKEN", "KAGGLE_API_V1_TOKEN", "KAGGLE_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY",
)  # fmt: skip
INVALID = ("tags", "dataset_sources", "competition_sources", "kernel_sources", "model_sources")
LICENSE = "copyright-authors"
PAGE_SIZE = 20
PAUSE_S = 1.0


def connect(credentials: Credentials) -> tuple[Any, Any]:
    """The client's module and itself, signed in without a call.

    Whatever else it would take for credentials is out of its reach.
    """
    for name in TAKEN_AS_CREDENTIALS:
        os.environ.pop(name, None)
    from kaggle.api import kaggle_api_extended  # type: ignore[import-untyped]

    api = kaggle_api_extended.KaggleApi()
    secret = {"token": credentials.token} if credentials.token else {"key": credentials.key}
    api.config_values = {"username": credentials.username, **secret}
    api.already_printed_version_warning = True  # it prints, and fails on what is no number
    return kaggle_api_extended, _patched(api)


def _patched(api: Any) -> Any:
    """No second try of what has an effect, and no dataset without the files that did not arrive."""
    upload_file, upload_complete = api._upload_file, api.upload_complete

    def whole_or_none(name: str, *args: Any) -> Any:
        sent = upload_file(name, *args)
        if sent is None:
            raise Trouble(f"{name} could not be sent to Kaggle's storage.")
        return sent

    def with_pause(path: str, url: str, quiet: bool, resume: bool = False) -> Any:
        time.sleep(PAUSE_S if resume else 0)
        return upload_complete(path, url, quiet, resume)

    api.with_retry = lambda function: function
    api._upload_file, api.upload_complete = whole_or_none, with_pause
    return api


class Client:
    """A method for each operation: JSON in, JSON out."""

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        self.types, self.api = connect(credentials)
        self.transport = transport
        self.credentials = credentials

    def whoami(self) -> str:
        """The user name. A call that changes nothing and needs good credentials."""
        if not self.credentials.token:
            self._ask(lambda _: self.api.kernels_list_with_response(page_size=1, mine=True))
            return self.credentials.username
        request = self.types.IntrospectTokenRequest()
        request.token = self.credentials.token
        told = self._ask(lambda kaggle: kaggle.security.oauth_client.introspect_token(request))
        if not (told.get("active") and told.get("username")):
            raise NoAccess("Kaggle says that the access token is not active: revoked or expired.")
        return str(told["username"])

    def push(self, job: dict[str, Any]) -> dict[str, Any]:
        protocol.check_title(job)
        folder = Path(tempfile.mkdtemp())
        metadata = protocol.metadata(job)
        (folder / metadata["code_file"]).write_text(job["source"], encoding="utf-8")
        (folder / self.api.KERNEL_METADATA_FILE).write_text(json.dumps(metadata), encoding="utf-8")
        shape = protocol.MACHINE_SHAPES[job["accelerator"]]
        response = self.api.kernels_push(str(folder), timeout=str(job["timeout_s"]), acc=shape)
        if response.error:
            raise refusal(response.error, self.transport.clean)
        if invalid := [name for kind in INVALID for name in getattr(response, f"invalid_{kind}")]:
            raise Refused(
                f"Kaggle does not know {', '.join(invalid)}, and runs it without: try again."
            )
        if not response.version_number:
            raise Unsure("Kaggle did not say which version it has made of the kernel.")
        ref = protocol.plain_ref(response.ref) or job["ref"]
        return {"ref": ref, "version": response.version_number, "url": response.url}

    def find(self, ref: str, token: str) -> dict[str, Any] | None:
        request = protocol.of_kernel(self.types.ApiGetKernelRequest(), ref)
        found = self._ask(lambda kaggle: kaggle.kernels.kernels_api_client.get_kernel(request))
        blob, metadata = found.get("blob") or {}, found.get("metadata") or {}
        version = metadata.get("currentVersionNumber")
        if not version or token not in (blob.get("source") or ""):
            return None
        return {
            "ref": protocol.plain_ref(metadata.get("ref") or "") or ref,
            "version": version,
            "url": "",
        }

    def status(self, ref: str, version: int) -> dict[str, str]:
        request = protocol.of_kernel(self.types.ApiGetKernelSessionStatusRequest(), ref, version)
        told = self._ask(
            lambda kaggle: kaggle.kernels.kernels_api_client.get_kernel_session_status(request)
        )
        word = str(told.get("status") or protocol.FIRST_STATUS)
        stage = protocol.stage(word)
        message = word if stage == Stage.UNKNOWN else str(told.get("failureMessage") or "")
        return {"stage": stage, "message": message}

    def log(self, ref: str, version: int) -> str:
        """The stored one; while there is none, what the stream tells within a few seconds."""
        stored = self._output_page(ref, version, "").log
        if stored:
            return str(stored)
        owner, slug = protocol.split(ref)
        with self.api.build_kaggle_client() as kaggle:
            http = kaggle.http_client()
            http._init_session()
            try:
                response = http._session.get(
                    http._get_request_url("kernels/logs/stream", f"{owner}/{slug}"),
                    params={"versionLabel": f"v{version}"}, stream=True, auth=http._session.auth,
                    headers={"Accept": "text/event-stream, */*", "Content-Type": None},
                    timeout=log_stream.QUIET_S,
                )  # fmt: skip
            except OSError:  # silent: it may not run yet
                return ""
            with response:
                return log_stream.read(response) if response.ok else ""

    def output(self, ref: str, version: int, folder: str, names: list[str]) -> list[str]:
        """All pages; the log too, as SLUG.log, unless there is such a file."""
        target, log = Path(folder), ""
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise Refused(f"The folder for the output is not empty: {folder}.")
        wanted, taken, tokens = set(names), set[str](), [""]
        while True:
            page = self._output_page(ref, version, tokens[-1])
            log = log or page.log
            for file in page.files or []:
                name = downloads.checked_name(file.file_name)
                if name in taken or (wanted and name not in wanted):
                    continue
                downloads.fetch(file.url, target / name)
                taken.add(name)
            if not page.next_page_token or (wanted and wanted <= taken):
                break
            if page.next_page_token in tokens:
                raise Trouble("Kaggle tells the same page of the output again and again.")
            tokens.append(page.next_page_token)
        log_name = f"{protocol.split(ref)[1]}.log"
        if log and not wanted and log_name not in taken:
            (target / log_name).write_text(log, encoding="utf-8")
            taken.add(log_name)
        return sorted(taken)

    def dataset(self, ref: str) -> dict[str, Any] | None:
        """First the number, then the state: so the state is of that version, or of a later one."""
        first, second = self.types.ApiGetDatasetRequest(), self.types.ApiGetDatasetStatusRequest()
        for request in (first, second):
            request.owner_slug, request.dataset_slug = protocol.split(ref)
        found = self._ask(lambda kaggle: kaggle.datasets.dataset_api_client.get_dataset(first))
        told = self._ask(
            lambda kaggle: kaggle.datasets.dataset_api_client.get_dataset_status(second)
        )
        word = str(told.get("status") or protocol.FIRST_DATASET_STATUS).lower()
        plain = protocol.word(word, "DATABUNDLEVERSIONSTATUS")
        return {
            "version": int(found.get("currentVersionNumber") or 0),
            "is_ready": plain == "READY",
            "has_failed": plain in ("FAILED", "DELETED"),
            "word": word,
        }

    def upload(self, ref: str, title: str, folder: str, note: str, is_new: bool) -> None:
        stage = self._staged(Path(folder))
        metadata = {"id": ref, "title": title, "licenses": [{"name": LICENSE}]}
        (stage / self.api.DATASET_METADATA_FILE).write_text(json.dumps(metadata), encoding="utf-8")
        if is_new:
            response = self.api.dataset_create_new(
                str(stage), public=False, quiet=True, convert_to_csv=False
            )
        else:
            response = self.api.dataset_create_version(
                str(stage), note, quiet=True, convert_to_csv=False
            )
        if response.status.lower() != "ok":
            said = response.error or f"the dataset's state is {response.status!r}"
            raise refusal(said, self.transport.clean)

    def quota(self) -> dict[str, Any]:
        """Time that running sessions have reserved counts as used."""
        response, found = self.api.quota_view(), {}
        resets_at = response.quota_refresh_time
        if resets_at and resets_at.tzinfo is None:
            resets_at = resets_at.replace(tzinfo=UTC)
        for name in ("gpu", "tpu"):
            if quota := getattr(response, f"{name}_quota"):
                used = (quota.time_used or timedelta()) + (quota.time_reserved or timedelta())
                total = quota.total_time_allowed or timedelta()
                found[name] = {
                    "used_s": used.total_seconds(),
                    "total_s": total.total_seconds(),
                    "resets_at": resets_at and resets_at.isoformat(),
                }
        return found

    def _ask(self, call: Callable[[Any], Any]) -> dict[str, Any]:
        """The answer as it came: the client fails on words that it does not know."""
        with self.api.build_kaggle_client() as kaggle:
            try:
                call(kaggle)
            except (KeyError, AttributeError, TypeError):
                if not isinstance(self.transport.body, dict):
                    raise
        if not isinstance(self.transport.body, dict):
            raise Trouble("The answer of Kaggle was not understood.")
        return self.transport.body

    def _output_page(self, ref: str, version: int, token: str) -> Any:
        request = protocol.of_kernel(self.types.ApiListKernelSessionOutputRequest(), ref, version)
        request.page_size, request.page_token = PAGE_SIZE, token
        with self.api.build_kaggle_client() as kaggle:
            return kaggle.kernels.kernels_api_client.list_kernel_session_output(request)

    def _staged(self, folder: Path) -> Path:
        """A folder with the same files, and room for the client's own."""
        stage = Path(tempfile.mkdtemp())
        files = sorted(folder.iterdir())
        if not files:
            raise Refused("A dataset needs a file.")
        for path in files:
            if not path.is_file() or path.name.endswith("-metadata.json"):
                raise Refused(f"{path.name} cannot be part of a dataset: plain files only.")
            (stage / path.name).symlink_to(path.resolve())
        return stage


def serve(order: dict[str, Any]) -> dict[str, Any]:
    """The answer to an order: {"value": …} or {"error": class, "message": …, …}."""
    credentials = Credentials(**order["credentials"])
    pace = Pace(Path(order["pace_folder"]), order["calls_per_minute"])
    until = time.monotonic() + order["wall_s"]
    mark = Path(order["mark"])
    transport = Transport(pace, until, order["read_s"], mark, credentials.scrub)
    transport.install()
    try:
        client = Client(transport, credentials)
        answer = _answer(client, order["operation"], order["arguments"])
    except BaseException as error:  # SystemExit too: the client exits for want of credentials
        answer = _problem(judge(error, transport))
    return dict(_hidden(answer, credentials))


def _answer(client: Client, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": getattr(client, operation)(**arguments)}
    except BaseException as error:
        found = judge(error, client.transport)
    if isinstance(found, Denied):
        found = _denied(client, operation, found)
    if isinstance(found, Missing) and operation in ("find", "dataset"):
        return {"value": None}
    return _problem(found)


def _denied(client: Client, operation: str, denied: Denied) -> BackendError:
    """Kaggle answers 403 for what is not there and for what it does not let us do."""
    if operation != "whoami":
        try:
            client.whoami()
        except BaseException as error:
            second = judge(error, client.transport)
            if not isinstance(second, (Denied, NoAccess)):
                return second
        else:
            changes = operation in ("push", "upload") and denied.status == 403
            return Refused(denied.message) if changes else Missing(denied.message)
    return NoAccess(f"{denied.message.rstrip('.')}. The credentials are not good for it.")


def _problem(error: BackendError) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "message": error.message,
        "retry_after_s": getattr(error, "retry_after_s", 0.0),
    }


def _hidden(value: Any, credentials: Credentials) -> Any:
    """Without secrets, at any depth; sentences without signed addresses, too."""
    if isinstance(value, str):
        return credentials.hide(value)
    if isinstance(value, list):
        return [_hidden(each, credentials) for each in value]
    if isinstance(value, dict):
        plain = {name: _hidden(each, credentials) for name, each in value.items()}
        if "message" in plain:
            plain["message"] = credentials.scrub(plain["message"])
        return plain
    return value


def die_with_parent(parent: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we could ask
        sys.exit(1)


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    order = json.load(sys.stdin)
    path = Path(order["answer"])
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(serve(order)), encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    main()
