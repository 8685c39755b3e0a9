"""The credentials of a site stay where they were put: searched for in all that a run leaves."""

import base64
import gzip
import io
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse

from kaggle_bridge import driver
from kaggle_bridge.models import RunState, TrainingRun
from tests.factories import make_staff
from tests.kaggle_bridge.course import drive, started
from tests.kaggle_bridge.leaks import Place, files, leaks
from tests.kaggle_service import KaggleService
from tests.settings import FOLDER

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kaggle, pytest.mark.slow]

# With characters that JSON, HTML, addresses and Base64 write in ways of their own.
SECRETS = {
    "key": "Wander&falke+9d41/f7c02b6e",
    "token": "KGAT_Zaun&koenig+5b20/e8d4",
    "password": "Eisvogel77c1e0",
}
PROXY = f"http://hotel:{SECRETS['password']}@127.0.0.1:{{port}}"
# Requests that go wrong with an answer that repeats the credentials; a long one is cut somewhere.
FEW = [("SaveKernel", "429", ""), ("GetKernelSessionStatus", "500", "." * 260)]
MANY = [
    *FEW,
    *(("SaveKernel", kind, "") for kind in ("401", "429-nested")),
    *(("GetKernelSessionStatus", kind, "") for kind in ("401", "403", "500", "503")),
    *(("GetKernelSessionStatus", "500", "." * count) for count in (240, 250, 270)),
    ("ListKernelSessionOutput", "404", ""), ("CreateDataset", "401", ""),
    ("StartBlobUpload", "500", ""), ("GetDatasetStatus", "403", ""),
]  # fmt: skip
PUBLIC = ("/", "/training/", "/status/", "/help/", "/api/v1/training/runs", "/api/v1/openapi.json")


def by_environment(patch: pytest.MonkeyPatch, folder: Path, data_dir: Path) -> None:
    patch.setenv("KAGGLE_KEY", SECRETS["key"])


def by_token_file(patch: pytest.MonkeyPatch, folder: Path, data_dir: Path) -> None:
    (folder / "token").write_text(SECRETS["token"])
    patch.setenv("KAGGLE_API_TOKEN_FILE", str(folder / "token"))
    patch.delenv("KAGGLE_KEY")


def by_folder(patch: pytest.MonkeyPatch, folder: Path, data_dir: Path) -> None:
    legacy = {"username": "alice", "key": SECRETS["key"]}
    (data_dir / "kaggle").mkdir()
    (data_dir / "kaggle" / "kaggle.json").write_text(json.dumps(legacy))
    patch.delenv("KAGGLE_KEY")
    patch.delenv("KAGGLE_USERNAME")


def public_pages(run: TrainingRun) -> list[str]:
    return [*PUBLIC, run.get_absolute_url(), f"/api/v1/training/runs/{run.pk}"]


def organisers_pages() -> Iterator[str]:
    yield from ("/training/new/", "/admin/")
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        rows = model.objects.values_list("pk", flat=True)[:20]
        yield reverse(f"{name}_changelist")
        yield from (reverse(f"{name}_change", args=[pk]) for pk in rows)


def read(client: Client, *addresses: str) -> list[Place]:
    return [(address, client.get(address).content) for address in addresses]


def told(run: TrainingRun) -> list[Place]:
    """All that the site tells its organisers at this moment."""
    organiser = Client()
    organiser.force_login(make_staff())
    shell, rows = io.StringIO(), io.StringIO()
    with suppress(SystemExit):
        call_command("kaggle", "status", "--run", str(run.pk), stdout=shell, stderr=shell)
    call_command("dumpdata", stdout=rows)
    return [
        *read(organiser, *public_pages(run), *organisers_pages()),
        ("shell", shell.getvalue().encode()),
        ("database", rows.getvalue().encode()),
    ]


def left(data_dir: Path, service: KaggleService) -> Iterator[Place]:
    """What lies on the disk and what was sent: the queue's record is among the files."""
    # Or reading its files here would let go of SQLite's locks on them.
    connections.close_all()
    yield from files(FOLDER)
    yield from files(data_dir, data_dir / "kaggle")
    yield from files(service.store.folder)


class Course:
    """A run on its way through everything that may tell secrets; `places` collects what is told."""

    def __init__(self, service: KaggleService, data_dir: Path, patch: pytest.MonkeyPatch) -> None:
        self.service, self.data_dir, self.patch = service, data_dir, patch
        self.run = started()
        self.places: list[Place] = []

    def until(self, reached: Callable[[TrainingRun], Any]) -> None:
        drive(self.run, until=reached)
        self.places += read(Client(), *public_pages(self.run))

    def with_credentials_that_expire(self) -> None:
        account = self.service.accounts["alice"]
        account.has_expired = True
        self.until(lambda run: run.troubles >= 2)
        account.has_expired = False

    def with_a_proxy_that_is_none(self) -> None:
        with self.patch.context() as patch:
            patch.setenv("http_proxy", PROXY.format(port=99999999))
            driver.advance(self.run.pk)
        self.run.refresh_from_db()
        self.places += read(Client(), *public_pages(self.run))

    def with_an_error_of_ours(self) -> None:
        """Whose traceback is logged."""
        output = self.data_dir / "training" / "output"
        shutil.rmtree(output, ignore_errors=True)
        output.write_text("in the way")
        self.until(lambda run: "Our fault" in run.note or "an error of ours" in run.note)
        output.unlink()


@pytest.fixture
def course(serve, settings, monkeypatch, caplog, request, tmp_path) -> Course:
    service = serve("half", "all")
    account = service.accounts["alice"]
    account.key, account.token = SECRETS["key"], SECRETS["token"]
    request.param(monkeypatch, tmp_path, settings.DATA_DIR)
    monkeypatch.setenv("http_proxy", PROXY.format(port=service.port))
    caplog.set_level(logging.DEBUG)
    return Course(service, settings.DATA_DIR, monkeypatch)


LONG = [(way, MANY) for way in (by_environment, by_token_file, by_folder)]
COURSES = [(by_environment, FEW), *(pytest.param(*each, marks=pytest.mark.slow) for each in LONG)]


@pytest.mark.parametrize(("course", "echoes"), COURSES, indirect=["course"])
def test_credentials_are_in_nothing_that_a_run_leaves(course, echoes, caplog):
    course.with_a_proxy_that_is_none()
    faults = [
        course.service.faults.add(call, kind, message=message, echoes=True)
        for call, kind, message in echoes
    ]
    course.until(lambda run: run.state != RunState.PUSHING)
    course.with_credentials_that_expire()
    course.with_an_error_of_ours()
    course.until(lambda run: run.ended)
    assert course.run.state == RunState.COMPLETE
    assert [fault for fault in faults if not fault.is_spent] == []
    course.service.faults.add("SaveKernel", "error-in-200", echoes=True)
    course.run = started()
    course.until(lambda run: run.state == RunState.FAILED)
    places = [*course.places, *told(course.run), *left(course.data_dir, course.service)]
    places.append(("log", caplog.text.encode()))
    assert leaks(places, SECRETS) == []
    # The search has looked where something was, and the service did tell them.
    everything = b"".join(content for _, content in places)
    assert b"[hidden]" in everything
    assert b"kaggle_bridge.advance" in everything  # messages of the queue
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("secret", SECRETS.values())
@pytest.mark.parametrize(
    "write",
    [
        str.encode,
        lambda text: json.dumps({"a": text}).encode(),
        lambda text: quote(text).encode(),
        lambda text: base64.b64encode(f"alice:{text}".encode()),
        lambda text: base64.b64encode(json.dumps([[], {"a": f"{text} b"}]).encode()),
        lambda text: gzip.compress(b"x" * 99 + text.encode()),
        lambda text: text[:15].encode(),
    ],
)
def test_the_search_finds_a_secret_however_it_is_written(write, secret):
    assert leaks([("here", write(secret))], {"it": secret}) == ["it in here"]
    assert leaks([("here", write("Something else entirely"))], {"it": secret}) == []
