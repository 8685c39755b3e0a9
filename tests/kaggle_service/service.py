"""The service as a whole: who is known, what it keeps, its server and its end."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.kaggle_service.accounts import Account, Accounts
from tests.kaggle_service.answers import Answer, Request, error_answer, json_answer
from tests.kaggle_service.blobs import Blob, Blobs
from tests.kaggle_service.datasets import Datasets
from tests.kaggle_service.errors import ApiError
from tests.kaggle_service.faults import Faults
from tests.kaggle_service.files import Files
from tests.kaggle_service.journal import Journal
from tests.kaggle_service.kernels import Kernels
from tests.kaggle_service.options import Options
from tests.kaggle_service.pushes import Pushes
from tests.kaggle_service.sessions import Session
from tests.kaggle_service.store import Dataset, DatasetVersion, Store
from tests.kaggle_service.web import Server

WITHOUT_CREDENTIALS = ("Upload", "Download", "IntrospectToken")


class KaggleService:
    """A context manager; sessions and connections end with it.

    folder: for datasets and the sessions' places. python: what runs kernels. port: 0 for any.
    options: see Options.
    """

    def __init__(
        self, folder: Path, accounts: dict[str, Account], python: str = sys.executable,
        port: int = 0, **options: Any,
    ) -> None:  # fmt: skip
        self.options = Options(**options)
        self.accounts = Accounts(accounts)
        self.store = Store(folder)
        self.faults = Faults()
        self.journal = Journal()
        self.closing = threading.Event()
        files, self._blobs = Files(), Blobs()
        pushes = Pushes(self.store, self.options, self.accounts, python)
        self.kernels = Kernels(self.store, self.options, self.accounts, files, pushes)
        self.datasets = Datasets(self.store, self.options, self._blobs)
        self._calls: dict[str, Callable[[Request], Answer]] = {
            **self.kernels.calls, **self.datasets.calls,
            "LogStream": self.kernels.stream,
            "StartBlobUpload": self._blobs.start,
            "Upload": self._blobs.put,
            "Download": files.get,
            "IntrospectToken": self._introspect,
        }  # fmt: skip
        self._server = Server(self, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> "KaggleService":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def environ(self, account: str = "", credential: str = "key") -> dict[str, str]:
        """What makes a client speak to this service; account: the first, if none is named."""
        name = account or next(iter(self.accounts.known))
        known = self.accounts[name]
        where = {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": f"http://127.0.0.1:{self.port}",
            "no_proxy": "",
        }
        if credential == "token":
            return where | {"KAGGLE_API_TOKEN": known.token}
        return where | {"KAGGLE_USERNAME": name, "KAGGLE_KEY": known.key}

    def perform(self, request: Request) -> Answer:
        """The call itself, with its effect."""
        call = self._calls.get(request.call)
        if call is None:
            return error_answer(404, "Not found")
        try:
            if request.call not in WITHOUT_CREDENTIALS:
                self.accounts.require(request.caller)
            return call(request)
        except ApiError as error:
            return error_answer(error.status, error.message)

    def session(self, ref: str, version: int = 0) -> Session:
        """Of that version; 0 is the latest."""
        kernel = self.store.kernels[ref]
        return kernel.version(f"v{version}" if version else "").session

    def add_dataset(
        self, ref: str, files: dict[str, bytes], is_private: bool = True
    ) -> DatasetVersion:
        """A version of a dataset, made if there is none, without any call."""
        owner, slug = ref.split("/")
        blobs = [Blob(name, len(content), owner, content, True) for name, content in files.items()]
        with self.store.lock:
            new = Dataset(next(self.store.ids), owner, slug, slug, is_private)
            return self.datasets.add_version(self.store.datasets.get(ref, new), blobs, "")

    def close(self) -> None:
        """Ends every session with all of its processes, and the server."""
        self.closing.set()
        with self.store.lock:
            self.store.is_closed = True
            sessions = list(self.store.sessions())
        for session in sessions:
            session.cancel()
        for session in sessions:
            session.wait()
        self._server.shutdown()
        self._server.server_close()
        self._server.close_connections()
        self._thread.join()

    def _introspect(self, request: Request) -> Answer:
        caller = self.accounts.by_token(request.json.get("token", ""))
        if caller.name and not self.accounts[caller.name].has_expired:
            return json_answer({"active": True, "username": caller.name})
        if self.options.unknown_token_status == 200:
            return json_answer({"active": False})
        raise ApiError(self.options.unknown_token_status, "Unauthenticated")
