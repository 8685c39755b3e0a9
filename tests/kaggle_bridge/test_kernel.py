"""The file that is sent: small, readable by old Pythons, and with nothing but data of the order."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kaggle_bridge import bootstrap, kernel
from tests.training.sessions import QUICK, Session, order
from training import archive

ROOT = Path(bootstrap.__file__).parents[1]
NASTY = {
    "a'''b\"\"\"c": ["'", '"', "\\", "\\'''", "\n\r\t", "\u2028", "é 🎲", "</script>", "{0}%s"],
    "r'''": {"#": "'''\nimport os\nos.abort()\n'''", "\\": "\\u0027\\N{DIGIT ONE}"},
}


def cells(source: str) -> list[str]:
    """The code of a notebook."""
    book = json.loads(source)
    return [cell["source"] for cell in book["cells"] if cell["cell_type"] == "code"]


def test_kernel_is_small_and_the_same_for_equal_orders() -> None:
    for is_notebook in (False, True):
        built = kernel.build(order(), is_notebook)
        assert len(built.source.encode()) < 400_000
        assert built == kernel.build(order(), is_notebook)
        assert built != kernel.build(order(session=2), is_notebook)
        assert "0123abcd" in built.source
    assert max(map(len, kernel.build(order()).source.splitlines())) < 200


def test_kernel_is_readable_by_every_python_of_the_service() -> None:
    for minor in range(10, 14):
        ast.parse(kernel.build(order(QUICK | NASTY)).source, feature_version=(3, minor))
    tree = ast.parse(Path(bootstrap.__file__).read_text())
    imported = [
        each for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names
    ]
    assert {each.name for each in imported} <= sys.stdlib_module_names
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


@pytest.mark.parametrize("is_notebook", [False, True])
def test_order_survives_as_data(is_notebook: bool) -> None:
    told = order(QUICK | NASTY, token="'''</script>", wanted=(1, 2))
    built = kernel.build(told, is_notebook)
    assert "</script" not in built.source
    code = "\n".join(cells(built.source)) if is_notebook else built.source
    names: dict[str, Any] = {}
    exec(code[: code.index("ARCHIVE = '''")], names)
    found = json.loads(names["ORDER"])
    assert found == json.loads(json.dumps(replace(told, source_hash=built.source_hash).to_json()))
    assert bootstrap.digest_of(names["ORDER"].encode()) == names["ORDER_SHA256"]


def test_kernel_knows_nothing_of_the_machine_that_made_it() -> None:
    texts = [kernel.build(order()).source.partition("ARCHIVE = ")[0]]
    texts += map(bytes.decode, archive.contents().values())
    secrets = [value for value in os.environ.values() if len(value) > 12]
    for told in (str(ROOT), sys.prefix, socket.getfqdn(), *secrets):
        assert not [text for text in texts if re.search(rf"\b{re.escape(told)}\b", text)], told


def test_building_a_kernel_imports_no_jax() -> None:
    code = (
        "import sys; from kaggle_bridge import kernel;"
        "kernel.build(kernel.Order(1, 1, 't', {}, 'cpu', 3600));"
        "assert not {'jax', 'mctx', 'chex', 'django'} & sys.modules.keys(), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_notebook_is_one_of_format_4() -> None:
    book = json.loads(kernel.build(order(), is_notebook=True).source)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 4)
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert [cell["cell_type"] for cell in book["cells"]] == ["markdown", *["code"] * 4]
    assert "run 7, session 1" in book["cells"][0]["source"]
    for cell in book["cells"][1:]:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("is_notebook", [False, True])
def test_both_forms_end_alike(tmp_path: Path, is_notebook: bool) -> None:
    """With an order to go on from a checkpoint that is not there, which needs no JAX."""
    told = order(resume=kernel.Resume(5, "0" * 64))
    session = Session(tmp_path / "root", tmp_path / "cache", told, is_notebook)
    assert session.end() == 2, session.log.text
    assert session.verified()["state"] == "refused"
    assert "step 5 is not among the inputs" in session.events("end")[0]["reason"]


def refused(root: Path, *arguments: str) -> str:
    """Why, in a result that a manifest speaks for."""
    assert bootstrap.run(*arguments) == 2
    manifest = json.loads((root / "working" / "manifest.json").read_text())
    content = (root / "working" / "result.json").read_bytes()
    assert manifest["state"] == "refused"
    assert manifest["files"]["result.json"]["sha256"] == bootstrap.digest_of(content)
    reason: str = json.loads(content)["reason"]
    return reason


def test_kernel_that_was_changed_or_cannot_run_here_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    *made, _ = cells(kernel.build(order(), is_notebook=True).source)
    exec("\n".join(made), names)
    given = {name: names[name] for name in ("ORDER", "ORDER_SHA256", "ARCHIVE", "ARCHIVE_SHA256")}
    monkeypatch.setenv("PALAESTRA_KAGGLE_ROOT", str(tmp_path))
    changed = {**given, "ORDER": given["ORDER"].replace("3000", "9999")}
    assert "order" in refused(tmp_path, *changed.values())
    changed = {**given, "ARCHIVE_SHA256": "0" * 64}
    assert "code" in refused(tmp_path, *changed.values())
    monkeypatch.setattr(bootstrap, "LEAST_PYTHON", (99, 1))
    assert "Python 99.1 is needed" in refused(tmp_path, *given.values())
    assert json.loads((tmp_path / "working" / "manifest.json").read_text())["token"] == "0123abcd"
    assert capsys.readouterr().out.count('palaestra: {"kind": "end", "state": "refused"') == 3
