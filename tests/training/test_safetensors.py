"""Our reader and writer of the format beside the package's."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy as package
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.training.states import saved
from training import safetensors as ours
from training.manifest import ManifestError

PLAIN = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 complex64"
EXTENDED = ("bfloat16", "float8_e5m2", "float8_e4m3fn")
DTYPES = [np.dtype(name) for name in PLAIN.split()] + [
    np.dtype(getattr(ml_dtypes, name)) for name in EXTENDED
]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\\"), min_size=1, max_size=6)
SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)
TENSORS = st.dictionaries(
    NAMES.filter(lambda name: name != "__metadata__"),
    st.tuples(st.sampled_from(DTYPES), SHAPES, st.integers(0, 2**32 - 1)),
    max_size=6,
)


def array(dtype, shape, seed):
    raw = np.random.default_rng(seed).bytes(int(np.prod(shape)) * dtype.itemsize)
    bits = np.frombuffer(raw, np.uint8)
    return ((bits & 1).astype(bool) if dtype.kind == "b" else bits.view(dtype)).reshape(shape)


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        assert (found[name].dtype, found[name].shape) == (want.dtype, want.shape)
        assert found[name].tobytes() == want.tobytes()


@settings(max_examples=150, deadline=None)
@given(TENSORS, st.none() | st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=1))
def test_files_equal_the_packages_to_the_byte(tmp_path_factory, described, metadata):
    assume(described or metadata != {})  # then the package writes what is no JSON
    tensors = {name: array(*each) for name, each in described.items()}
    path = tmp_path_factory.getbasetemp() / "ours.safetensors"
    ours.write(path, tensors, metadata)
    assert path.read_bytes() == package.save(tensors, metadata)


def test_every_type_comes_back_from_our_files_and_from_the_packages(tmp_path):
    tensors = {dtype.name: array(dtype, (2, 3), 5) for dtype in DTYPES}
    tensors |= {"scalar": np.array(2.5), "empty": np.zeros((0, 3), np.float32)}
    package.save_file(tensors, tmp_path / "theirs", {"a": "é"})
    found, metadata = ours.read(tmp_path / "theirs")
    assert metadata == {"a": "é"}
    assert_equal(found, tensors)
    # The package writes 8-bit floats and does not find their types when it reads.
    readable = {name: each for name, each in tensors.items() if not name.startswith("float8")}
    ours.write(tmp_path / "ours", readable)
    assert_equal(package.load_file(tmp_path / "ours"), readable)


@pytest.mark.parametrize(
    "given_array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.arange(12, dtype=np.int16)[::3],
        np.arange(4, dtype=">i4"),
        np.float32(1.5),
    ],
    ids=["transposed", "strided", "big-endian", "numpy scalar"],
)
def test_any_layout_in_memory_is_written_in_order(tmp_path, given_array):
    ours.write(tmp_path / "file", {"x": given_array})
    found = package.load_file(tmp_path / "file")["x"]
    assert found.shape == given_array.shape
    assert np.array_equal(found, given_array)


def test_arrays_read_are_aligned_and_independent(tmp_path):
    large = np.zeros(ours.OWN_BYTES, np.uint8)
    ours.write(tmp_path / "file", {"a": np.ones(3, np.int8), "b": np.ones(5, np.int8), "c": large})
    found, _ = ours.read(tmp_path / "file")
    assert all(each.ctypes.data % ours.ALIGNMENT == 0 for each in found.values())
    found["a"][:] = 7
    assert found["b"].tolist() == [1] * 5
    assert ours.read(tmp_path / "file")[0]["a"].tolist() == [1] * 3


@pytest.mark.parametrize("dtype", [np.dtype("complex128"), np.dtype(object), np.dtype("<U3")])
def test_a_type_that_the_format_lacks_is_refused(tmp_path, dtype):
    with pytest.raises(ValueError, match="no type for"):
        ours.write(tmp_path / "file", {"x": np.zeros(2, dtype)})


def test_a_header_whose_length_looks_like_a_pickle_is_read(tmp_path):
    """640 is 80 02 in bytes, as a pickle of protocol 2 begins."""
    tensors = {"x": np.ones(2, np.float32)}
    base = len(ours.header(tensors, {"a": ""}))
    ours.write(tmp_path / "file", tensors, {"a": " " * (640 - base)})
    assert (tmp_path / "file").read_bytes()[:2] == b"\x80\x02"
    assert ours.read(tmp_path / "file")[0]["x"].tolist() == [1, 1]


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"hello, world, how are you?")
    with pytest.raises(ManifestError, match="is not a safetensors file"):
        ours.read(tmp_path / "file")


def test_bfloat16_stays_raw_bits_without_ml_dtypes(tmp_path):
    numbers = np.array([1.5, -2.0, np.inf, 3e-5], np.float32).astype(ml_dtypes.bfloat16)
    path = tmp_path / "file"
    ours.write(path, {"b": numbers, "f": numbers.astype(ml_dtypes.float8_e5m2)})
    code = """
import sys
sys.modules["ml_dtypes"] = None
from pathlib import Path
from training import safetensors
tensors, _ = safetensors.read(Path(sys.argv[1]))
print(tensors["b"].dtype, tensors["f"].dtype)
print(safetensors.bfloat16_to_float32(tensors["b"]).tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True
    )
    types, values = done.stdout.splitlines()
    assert types == "uint16 uint8"
    assert values == str(numbers.astype(np.float32).tolist())


def test_reading_and_writing_takes_numpy_alone():
    code = """
import sys
import training.storage, training.folder
assert not {"jax", "ml_dtypes", "safetensors", "flax"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_reads_a_checkpoint(tmp_path):
    found = package.load_file(saved(tmp_path))
    assert found["step"] == 7
    assert found["params/layer_0/kernel"].shape == (3, 4)
