"""Whose calls these are, and what is said where that is not clear."""

import json
from pathlib import Path

import pytest

from kaggle_bridge.client.credentials import Credentials, CredentialsError, find

KEY, TOKEN = "0123456789abcdef", "KGAT_0123456789abcdef"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "var"


def put(folder: Path, name: str, text: str, mode: int = 0o600) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def legacy(username: str = "alice", key: str = KEY) -> str:
    return json.dumps({"username": username, "key": key})


def complaint(environ: dict[str, str], data_dir: Path) -> str:
    with pytest.raises(CredentialsError) as caught:
        find(environ, data_dir)
    assert KEY not in caught.value.message
    assert TOKEN not in caught.value.message
    return caught.value.message


def test_user_name_and_key_of_the_environment_tell_the_owner(data_dir: Path) -> None:
    found = find({"KAGGLE_USERNAME": "alice", "KAGGLE_KEY": f" {KEY}\n"}, data_dir)
    assert (found.username, found.key, found.token) == ("alice", KEY, "")


def test_token_of_the_environment_needs_no_user_name(data_dir: Path) -> None:
    found = find({"KAGGLE_API_TOKEN": TOKEN}, data_dir)
    assert (found.username, found.key, found.token) == ("", "", TOKEN)


def test_user_name_beside_a_token_tells_the_owner(data_dir: Path) -> None:
    found = find({"KAGGLE_API_TOKEN": TOKEN, "KAGGLE_USERNAME": "alice"}, data_dir)
    assert (found.username, found.token) == ("alice", TOKEN)


def test_each_may_be_given_as_a_file(data_dir: Path, tmp_path: Path) -> None:
    path = put(tmp_path, "key", f"{KEY}\n", 0o444)
    found = find({"KAGGLE_USERNAME": "alice", "KAGGLE_KEY_FILE": str(path)}, data_dir)
    assert found.key == KEY
    path = put(tmp_path, "token", f"{TOKEN}\n")
    assert find({"KAGGLE_API_TOKEN_FILE": str(path)}, data_dir).token == TOKEN
    assert find({"KAGGLE_API_TOKEN": str(path)}, data_dir).token == TOKEN


def test_token_and_key_together_are_refused(data_dir: Path) -> None:
    both = {"KAGGLE_API_TOKEN": TOKEN, "KAGGLE_USERNAME": "alice", "KAGGLE_KEY": KEY}
    assert "both set" in complaint(both, data_dir)


def test_name_and_its_file_together_are_refused(data_dir: Path) -> None:
    assert "not both" in complaint(
        {"KAGGLE_API_TOKEN": TOKEN, "KAGGLE_API_TOKEN_FILE": "/nowhere"}, data_dir
    )


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"KAGGLE_USERNAME": "alice"}, "KAGGLE_KEY is not"),
        ({"KAGGLE_KEY": KEY}, "KAGGLE_USERNAME is not"),
        ({}, "There are no credentials"),
        ({"KAGGLE_TOKEN": TOKEN}, "the name is KAGGLE_API_TOKEN"),
        ({"KAGGLE_KEY_FILE": "/nowhere/key", "KAGGLE_USERNAME": "alice"}, "No such file"),
        ({"KAGGLE_API_TOKEN": "/nowhere/token"}, "No such file"),
        ({"KAGGLE_API_TOKEN": "two words"}, "not one word"),
        ({"KAGGLE_USERNAME": "alice/x", "KAGGLE_KEY": KEY}, "user name"),
        ({"KAGGLE_API_TOKEN": TOKEN, "KAGGLE_API_ENVIRONMENT": "TEST"}, "the real service"),
    ],
)
def test_it_is_said_exactly_what_is_missing(
    environ: dict[str, str], missing: str, data_dir: Path
) -> None:
    assert missing in complaint(environ, data_dir)


def test_folder_of_the_client_comes_before_the_one_of_the_site(
    data_dir: Path, tmp_path: Path
) -> None:
    put(data_dir / "kaggle", "kaggle.json", legacy("site"))
    put(tmp_path / "chosen", "kaggle.json", legacy("chosen"))
    assert find({}, data_dir).username == "site"
    assert find({"KAGGLE_CONFIG_DIR": str(tmp_path / "chosen")}, data_dir).username == "chosen"
    environ = {"KAGGLE_USERNAME": "alice", "KAGGLE_KEY": KEY}
    assert find(environ, data_dir).username == "alice"


@pytest.mark.parametrize("name", ["access_token", "access_token.txt"])
def test_token_file_is_read(name: str, data_dir: Path) -> None:
    put(data_dir / "kaggle", name, f"{TOKEN}\n")
    assert find({"KAGGLE_USERNAME": "alice"}, data_dir).token == TOKEN


def test_two_files_in_one_folder_are_refused(data_dir: Path) -> None:
    put(data_dir / "kaggle", "kaggle.json", legacy())
    put(data_dir / "kaggle", "access_token", TOKEN)
    assert "kaggle.json and access_token: keep only one" in complaint({}, data_dir)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"username": "alice"}', '{"username": 3, "key": 4}', "\udcff"]
)
def test_malformed_file_is_named(text: str, data_dir: Path) -> None:
    folder = data_dir / "kaggle"
    folder.mkdir(parents=True)
    (folder / "kaggle.json").write_bytes(text.encode(errors="surrogateescape"))
    assert str(folder / "kaggle.json") in complaint({}, data_dir)


def test_unreadable_file_is_named(data_dir: Path) -> None:
    (data_dir / "kaggle" / "kaggle.json").mkdir(parents=True)
    sentence = complaint({}, data_dir)
    assert str(data_dir / "kaggle" / "kaggle.json") in sentence
    assert "cannot be read" in sentence


def test_file_of_another_user_is_refused(data_dir: Path) -> None:
    put(data_dir / "kaggle", "kaggle.json", legacy("bob"))
    assert "is of bob" in complaint({"KAGGLE_USERNAME": "alice"}, data_dir)


def test_file_that_all_may_read_is_named(data_dir: Path) -> None:
    path = put(data_dir / "kaggle", "kaggle.json", legacy(), 0o644)
    assert str(path) in find({}, data_dir).warning
    path.chmod(0o600)
    assert find({}, data_dir).warning == ""


@pytest.mark.parametrize("folder", [".kaggle", ".config/kaggle"])
def test_folder_of_the_home_is_not_used_but_told(
    folder: str, data_dir: Path, tmp_path: Path
) -> None:
    put(tmp_path / folder, "kaggle.json", legacy())
    sentence = complaint({"HOME": str(tmp_path)}, data_dir)
    assert f"KAGGLE_CONFIG_DIR={tmp_path / folder}" in sentence
    assert find({"KAGGLE_CONFIG_DIR": str(tmp_path / folder)}, data_dir).username == "alice"


def test_sentences_lose_every_form_of_a_secret() -> None:
    found = Credentials("alice", key='k"/+secret')
    text = (
        'k"/+secret k%22%2F%2Bsecret Basic YWxpY2U6ayIvK3NlY3JldA== '
        "http://user:word@proxy:3128 https://storage.example/x?signature=abc"
    )
    assert found.scrub(text) == (
        "[hidden] [hidden] Basic [hidden] http://proxy:3128 https://storage.example/x"
    )
    assert "secret" not in repr(found)


def test_what_proxies_are_told_is_in_no_sentence(data_dir: Path) -> None:
    environ = {"KAGGLE_API_TOKEN": TOKEN, "https_proxy": "http://me:p%26ss-word@proxy:3128"}
    found = find(environ, data_dir)
    said = "Proxy-Authorization: Basic bWU6cCZzcy13b3Jk, p&ss-word p%26ss-word"
    assert found.scrub(said) == "Proxy-Authorization: Basic [hidden], [hidden] [hidden]"
    assert "ss-word" not in repr(found)
    environ["https_proxy"] = "http://me:run@proxy:3128"
    assert find(environ, data_dir).scrub("run 7 runs") == "run 7 runs"
