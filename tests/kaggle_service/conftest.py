"""A service with two accounts for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kaggle_service import Account, KaggleService


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KaggleService]:
    accounts = {
        "alice": Account(key="key-of-alice", token="token-of-alice"),
        "bob": Account(key="key-of-bob"),
    }
    with KaggleService(tmp_path / "kaggle", accounts) as service:
        yield service
