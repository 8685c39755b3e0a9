"""Headers that strangers wrote: what is refused, and in which words."""

import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tests.training.states import CONNECTX, saved
from training import manifest, safetensors
from training.manifest import MAX_HEADER_BYTES, MAX_TENSORS, ManifestError


def entry(begin, end, dtype="U8", shape=None):
    shape = [end - begin] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def text(value):
    return (value if isinstance(value, str) else json.dumps(value)).encode()


@pytest.fixture
def file(tmp_path):
    """A file of this header and so many bytes of tensors, sealed where it has a manifest."""

    def build(header, size=0):
        raw = text(header)
        if raw.startswith(manifest.PREFIX):
            raw = manifest.sealed(raw)
        path = tmp_path / "step_7.safetensors"
        path.write_bytes(safetensors.with_length(raw) + bytes(size))
        return path

    return build


def with_manifest(**changes):
    """The header of a checkpoint with one byte, its manifest changed."""
    fields = {
        "sha256": "0" * 64,
        "task": "selfplay",
        "step": 7,
        "config": {},
        "trackers": {},
        "created": "",
        "versions": {},
        "source_hash": "",
        "environment": {},
        "schema": 1,
        "keys": {},
        "crc32": ["d202ef8d"],
    }
    fields = {name: each for name, each in (fields | changes).items() if each is not None}
    words = json.dumps(fields, separators=(",", ":"))
    return json.dumps(
        {"__metadata__": {"palaestra": words}, "x": entry(0, 1)}, separators=(",", ":")
    )


def refusal(path, read=manifest.read):
    with pytest.raises(ManifestError) as raised:
        read(path)
    message = str(raised.value)
    assert message.startswith(path.name)
    assert "\n" not in message
    return message


def test_a_checkpoint_tells_what_its_run_said(tmp_path):
    found = manifest.verify(saved(tmp_path))
    assert (found.task, found.step, found.environment) == ("selfplay", 7, CONNECTX)
    assert found.config["selfplay"]["note"] == "≥ 1"
    assert found.trackers == {"best": 0.5, "names": ["a", None]}
    assert found.keys == {"key": "threefry2x32"}
    assert found.tensors["params/layer_0/bias"][:2] == ("BF16", (4,))


def test_the_smallest_checkpoint_is_read(file):
    assert manifest.verify(file(with_manifest(), 1)).tensors == {"x": ("U8", (1,), 0, 1)}


def test_only_the_standard_library_is_imported(tmp_path):
    code = """
import sys
from pathlib import Path
before = set(sys.modules)
from training import manifest
manifest.verify(Path(sys.argv[1]))
news = {name.partition(".")[0] for name in set(sys.modules) - before}
foreign = news - sys.stdlib_module_names - {"training"}
assert not foreign, foreign
"""
    subprocess.run([sys.executable, "-c", code, saved(tmp_path)], check=True)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [{"params": [1.0] * 99}, [1.0] * 99], ids=["dict", "list"])
def test_a_pickle_in_disguise_is_recognised(tmp_path, protocol, value):
    path = tmp_path / "step_7.safetensors"
    path.write_bytes(pickle.dumps(value, protocol))
    assert "is a pickle, which could run any code, not a checkpoint" in refusal(path)


def test_a_zip_in_disguise_is_recognised(tmp_path):
    path = tmp_path / "step_7.safetensors"
    np.savez(tmp_path / "arrays.npz", x=np.zeros(9))
    path.write_bytes((tmp_path / "arrays.npz").read_bytes())
    assert "is a zip archive" in refusal(path)
    with zipfile.ZipFile(path, "w"):
        pass
    assert "is a zip archive" in refusal(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is cut short: it has 0 bytes"),
        (b"\x10", "is cut short"),
        (b"\x10" + bytes(7), "is cut short"),
        (bytes(8), "is cut short"),
        (bytes(99), "is not a safetensors file"),
        (b"x" * 99, "is not a safetensors file"),
        (b"\x93NUMPY" + bytes(99), "is a NumPy file"),
        (b"\x1f\x8b" + b"x" * 99, "is a gzip archive"),
        (b"\xff" * 8 + b"{", "declares a header of 18,446,744,073,709,551,615 bytes"),
        ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{", "1,048,576 are allowed"),
        (b"\x02" + bytes(7) + b"{}" + b"x", "has 1 bytes after its last tensor"),
    ],
)
def test_other_files_are_named(tmp_path, content, words):
    path = tmp_path / "step_7.safetensors"
    path.write_bytes(content)
    assert words in refusal(path)


def test_a_huge_declared_header_takes_no_memory(tmp_path):
    code = """
import sys, tracemalloc
from pathlib import Path
from training import manifest
tracemalloc.start()
try:
    manifest.read(Path(sys.argv[1]))
except manifest.ManifestError:
    print(tracemalloc.get_traced_memory()[1])
"""
    path = tmp_path / "step_7.safetensors"
    with path.open("wb") as sparse:
        sparse.write((1 << 40).to_bytes(8, "little") + b"{")
        sparse.truncate(1 << 36)
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True
    )
    assert int(done.stdout) < 1 << 20


@pytest.mark.parametrize(
    ("header", "size", "words"),
    [
        ("{]", 0, "is not JSON"),
        ("{\x00}", 0, "is not JSON"),
        ('{"x":' + "[" * 100_000, 0, "is not JSON"),
        ('{"x":' + "[" * 40 + "]" * 40 + "}", 0, "nested deeper than 32 levels"),
        ('{"x":' + "9" * 5000 + "}", 0, "is not JSON"),
        ('{"x":NaN}', 0, "the number NaN"),
        ('{"x":1e999}', 0, "the number 1e999"),
        ('{"x":"\\ud800"}', 0, "is not JSON"),
        ('{"x":{},"x":{}}', 0, "the same key twice"),
        ({"__metadata__": {"a": 1}}, 0, "metadata that is not text"),
        ({"__metadata__": []}, 0, "metadata that is not text"),
        ({"x": entry(0, 8)}, 7, "is cut short: 8 bytes of tensors declared, 7 there"),
        ({"x": entry(0, 8)}, 9, "has 1 bytes after its last tensor"),
        ({"x": entry(1, 8)}, 8, "gap or an overlap before the tensor x"),
        ({"x": entry(0, 8), "y": entry(4, 12)}, 12, "gap or an overlap before the tensor y"),
        ({"x": entry(0, 8), "y": entry(0, 8)}, 8, "gap or an overlap before the tensor y"),
        ({"x": entry(0, 8), "y": entry(12, 16)}, 16, "gap or an overlap before the tensor y"),
        ({str(n): entry(0, 0) for n in range(MAX_TENSORS + 1)}, 0, "holds 4,097 tensors"),
        *(({name: entry(0, 1)}, 1, "which is no path") for name in ("", "/x", "a//b", "../x")),
        *(({name: entry(0, 1)}, 1, "which is no path") for name in ("a\x1b[2J", "a\\b", "x" * 513)),
        *(
            ({"x": wrong}, 8, "describes the tensor x wrongly")
            for wrong in (
                8,
                [],
                {},
                entry(0, 8) | {"more": 1},
                entry(0, 8, "F3"),
                entry(0, 8, 3),
                entry(0, 8, shape=[9]),
                entry(0, 8, shape="8"),
                entry(0, 8, shape=[8.0]),
                entry(0, 8, shape=[-8, -1]),
                entry(0, 8, shape=[True, 8]),
                entry(0, 8, shape=[8] + [1] * 32),
                entry(0, 0, shape=[0, 1 << 62, 4]),
                entry(8, 0, shape=[0]),
                entry(0, 8) | {"data_offsets": [0, 8, 8]},
                entry(0, 8) | {"data_offsets": [0, 1 << 64]},
            )
        ),
    ],
)
def test_a_header_that_lies_is_refused(file, header, size, words):
    assert words in refusal(file(header, size))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema 2, this version reads 1: use the version of Palaestra that saved"),
        ({"schema": None}, "schema None"),
        ({"step": None}, "missing or unknown fields: step"),
        ({"colour": "red"}, "missing or unknown fields: colour"),
        ({"step": "7"}, "whose step is not of type int"),
        ({"step": True}, "whose step is not of type int"),
        ({"step": -1}, "does not fit its tensors"),
        ({"config": []}, "whose config is not of type dict"),
        ({"keys": {"y": "threefry2x32"}}, "does not fit its tensors"),
        ({"keys": {"x": 3}}, "does not fit its tensors"),
        ({"crc32": []}, "does not fit its tensors"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(file, changes, words):
    assert words in refusal(file(with_manifest(**changes), 1))


def test_tensors_beyond_all_memory_are_refused(tmp_path):
    """A file of holes: its size is as declared, and nothing is behind it."""
    size = 1 << 43
    raw = json.dumps({"x": entry(0, size)}).encode()
    path = tmp_path / "step_7.safetensors"
    with path.open("wb") as file:
        file.write(safetensors.with_length(raw))
        file.truncate(8 + len(raw) + size)
    assert "needs more memory than there is" in refusal(path, safetensors.read)


def test_a_manifest_of_a_digest_alone_is_refused(file):
    assert "schema None" in refusal(file(manifest.PREFIX.decode() + "0" * 64 + '\\"}"}}'))


def test_a_file_of_the_package_has_no_manifest(tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.write(path, {"x": np.zeros(3)}, {"format": "np"})
    assert "has no manifest" in refusal(path)


def test_a_changed_tensor_is_named(file):
    assert "the bytes of x do not match their checksum" in refusal(
        file(with_manifest(crc32=["00000000"]), 1), manifest.verify
    )


def test_a_changed_header_is_refused(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'\\"step\\":7', b'\\"step\\":8'))
    assert "its header does not match its checksum" in refusal(path)


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "step_7.safetensors").mkdir()
    assert "is not a file" in refusal(tmp_path / "step_7.safetensors")
    assert "does not exist" in refusal(tmp_path / "step_8.safetensors")
    assert "is not a file" in refusal(type(tmp_path)("/dev/zero"))
