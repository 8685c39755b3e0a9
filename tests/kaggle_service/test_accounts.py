"""Who may do what, by which credential, and what the journal keeps of it."""

import re
from pathlib import Path

import pytest

from tests.kaggle_service import KaggleService
from tests.kaggle_service.clients import call, client, push

pytestmark = pytest.mark.kaggle

ASK = """
result = [attempt(api.authenticate), attempt(api.kernels_list, mine=True)]
"""


def test_key_and_token_both_speak_for_an_account(service: KaggleService, tmp_path: Path) -> None:
    for credential in ("key", "token"):
        environ = service.environ("alice", credential)
        code = "api.authenticate(); result = [push('pass').ref, ended()]"
        assert client(service, tmp_path, code, **environ)[0] == "alice/first-steps"
    assert service.journal.credentials("SaveKernel") == [("alice", "key"), ("alice", "token")]


def test_wrong_key_is_noticed_at_the_first_call(service: KaggleService, tmp_path: Path) -> None:
    environ = service.environ() | {"KAGGLE_KEY": "wrong"}
    signed_in, asked = client(service, tmp_path, ASK, **environ)
    assert signed_in == "ok"
    assert asked == "HTTPError: Unauthenticated"
    assert service.journal.credentials("ListKernels") == [("", "unknown")]


@pytest.mark.parametrize(
    ("answer", "told"),
    [(200, "SystemExit"), pytest.param(401, "HTTPError", marks=pytest.mark.slow)],
)
def test_unknown_token_is_inactive_or_refused(
    service: KaggleService, tmp_path: Path, answer: int, told: str
) -> None:
    service.options.unknown_token_status = answer  # type: ignore[assignment]
    environ = service.environ("alice", "token") | {"KAGGLE_API_TOKEN": "wrong"}
    assert client(service, tmp_path, ASK, **environ)[0].startswith(told)


def test_expired_credentials_are_refused_at_every_call(
    service: KaggleService, tmp_path: Path
) -> None:
    push(service, "pass")
    service.accounts["alice"].has_expired = True
    code = """
result = [attempt(api.authenticate), attempt(api.kernels_list, mine=True),
          attempt(api.kernels_status, "alice/first-steps"), attempt(push, "pass")]
"""
    signed_in, listed, status, pushed = client(service, tmp_path, code)
    assert signed_in == "ok"
    assert listed == pushed == "HTTPError: Unauthenticated"
    assert status.startswith("ValueError: Cannot access kernel")  # as a wrong slug would give
    assert service.journal.of("GetKernelSessionStatus")[-1].status == 401


def test_accounts_are_separate(service: KaggleService, tmp_path: Path) -> None:
    push(service, "pass")
    service.add_dataset("alice/resume-of-7", {"x": b"1"})
    code = """
api.authenticate()
theirs = push("pass")
result = [attempt(api.kernels_status, "alice/first-steps"),
          attempt(api.kernels_status, "alice/no-such-thing"),
          attempt(api.dataset_status, "alice/resume-of-7"),
          attempt(api.dataset_create_version, dataset_folder({"x": "2"}), "x", quiet=True),
          theirs.error, [k.ref for k in api.kernels_list(user="alice")]]
"""
    *status, seen, changed, error, listed = client(
        service, tmp_path, code, **service.environ("bob")
    )
    assert all(text.startswith("ValueError: Cannot access kernel") for text in status)
    assert seen.startswith("HTTPError: Permission 'datasets.get' was denied")
    assert changed.startswith("HTTPError: Permission")
    assert error == "Notebook not found"
    assert listed == []
    assert len(service.store.datasets["alice/resume-of-7"].versions) == 1


def test_what_is_public_can_be_read_but_not_changed(service: KaggleService) -> None:
    push(service, "pass", isPrivate=False)
    service.session("alice/first-steps").wait()
    where = {"userName": "alice", "kernelSlug": "first-steps"}
    assert call(service, "GetKernelSessionStatus", "bob", **where)["status"] == "COMPLETE"
    service.add_dataset("alice/resume-of-7", {"x": b"1"}, is_private=False)
    answer = call(
        service, "SaveKernel", "bob", slug="bob/own-thing", newTitle="Own thing", text="pass",
        kernelType="script", datasetDataSources=["alice/resume-of-7"],
    )  # fmt: skip
    assert answer["invalidDatasetSources"] == []
    sent = {"slug": "alice/first-steps", "kernelType": "script", "text": "pass"}
    assert call(service, "SaveKernel", "bob", **sent)["error"] == "Notebook not found"


def test_journal_tells_of_every_call_but_no_secret(service: KaggleService, tmp_path: Path) -> None:
    client(service, tmp_path, """
api.authenticate()
api.dataset_create_new(dataset_folder({"x": "1"}), quiet=True)
push("print('the source')", dataset_sources=["alice/resume-of-7"])
result = ended()
""", **service.environ("alice", "token"))  # fmt: skip
    calls = [entry.call for entry in service.journal.entries]
    # Once at the import, once when asked to.
    assert calls[:6] == [
        "IntrospectToken", "IntrospectToken", "GetDatasetStatus", "StartBlobUpload", "Upload",
        "CreateDataset",
    ]  # fmt: skip
    pushed = service.journal.of("SaveKernel")[0]
    assert pushed.json["datasetDataSources"] == ["alice/resume-of-7"]
    assert service.journal.busiest() == len(service.journal.of()) == len(calls) - 1
    assert service.journal.at_once() == 1
    whole = repr(service.journal.entries)
    assert "token-of-alice" not in whole
    assert "the source" not in whole
    assert not re.search(r"blob/(?!\*)", whole)
