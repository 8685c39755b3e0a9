"""Whatever happens to the bytes of a checkpoint, it is loaded as it was saved or not at all."""

import random
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.training.states import manifest
from training import checkpoint, storage
from training import manifest as manifests
from training.manifest import ManifestError


def tree():
    return {
        "params": {"kernel": jnp.arange(6.0).reshape(2, 3), "bias": jnp.ones(3, jnp.bfloat16)},
        "key": jax.random.key(3),
        "seen": jnp.array([True, False, True]),
    }


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "step_1.safetensors"
    checkpoint.save(path, tree(), manifest(1))
    return path.read_bytes()


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "step_1.safetensors"


def assert_refused(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    for read in (storage.read, manifests.verify):
        with pytest.raises(ManifestError) as raised:
            read(place)
        assert str(raised.value).startswith(place.name)


def test_a_file_cut_at_any_byte_is_refused(sound, place):
    for length in range(len(sound)):
        assert_refused(place, sound[:length])


def test_bytes_after_the_end_are_refused(sound, place):
    for more in (b"\0", sound):
        assert_refused(place, sound + more)


def test_any_single_flipped_bit_is_refused(sound, place):
    """One bit of each byte, by the byte's place."""
    for index in range(len(sound)):
        changed = bytearray(sound)
        changed[index] ^= 1 << index % 8
        assert_refused(place, bytes(changed))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_flipped_bits_anywhere_are_refused(sound, place, data):
    bits = data.draw(st.sets(st.integers(0, 8 * len(sound) - 1), min_size=1, max_size=20))
    changed = bytearray(sound)
    for bit in bits:
        changed[bit // 8] ^= 1 << bit % 8
    assert_refused(place, bytes(changed))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_blocks_moved_zeroed_or_repeated_are_refused(sound, place, data):
    """What a disk may do: a range of bytes overwritten by zeros or by another range."""
    size = data.draw(st.integers(1, len(sound)))
    target = data.draw(st.integers(0, len(sound) - size))
    block = bytes(size)
    if data.draw(st.booleans()):
        source = data.draw(st.integers(0, len(sound) - size))
        block = sound[source : source + size]
    changed = sound[:target] + block + sound[target + size :]
    if changed != sound:
        assert_refused(place, changed)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
@example(b"\x02\0\0\0\0\0\0\0{}")
def test_other_bytes_are_refused(place, content):
    assert_refused(place, content)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_header_text_is_refused(place, text):
    assert_refused(place, len(text).to_bytes(8, "little") + text)


def test_loading_says_so_in_its_own_error(sound, place):
    like = jax.eval_shape(tree)
    for index in random.Random(5).sample(range(len(sound)), 40):
        place.write_bytes(sound[:index] + bytes([sound[index] ^ 1]) + sound[index + 1 :])
        with pytest.raises(checkpoint.Damaged, match=place.name):
            checkpoint.load(place, like)
    place.write_bytes(sound)
    assert checkpoint.load(place, like)[1].step == 1
