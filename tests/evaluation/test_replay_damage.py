"""Whatever bytes are taken for a replay: a sentence comes back, soon, and little memory is used."""

import gzip
import lzma
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import make, replay
from evaluation.errors import InvalidArgument
from evaluation.replay import packing

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def small():
    env = make("connectx")
    env.run(["random", "random"])
    return replay.to_bytes(env.toJSON())


@pytest.fixture(scope="module")
def large():
    env = make("rps", {"episodeSteps": 200})
    env.run(["rock", "paper"])
    return replay.to_bytes(env.toJSON())


def packed(text: bytes) -> bytes:
    packer = zlib.compressobj(zdict=packing._dictionary())
    return packing.HEADER + packer.compress(text) + packer.flush()


def packed_long(text: bytes, **options) -> bytes:
    return packing.HEADER + lzma.compress(text, **options)


def test_short_and_long_texts_are_packed_in_their_own_way(small, large):
    assert not small.startswith(packing.HEADER + packing.XZ_MAGIC)
    assert large.startswith(packing.HEADER + packing.XZ_MAGIC)
    assert replay.from_bytes(small)["name"] == "connectx"
    assert replay.from_bytes(large)["name"] == "rps"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no replay"),
        (b"replay", "no replay"),
        (b"replay\x01", "no replay"),
        (b"{}", "no replay"),
        (b"replay\x02" + zlib.compress(b"{}"), "of format 2"),
        (b"replay\x01" + b"\0" * 20, "damaged"),
        (b"replay\x01" + zlib.compress(b"{}")[:-1], "cut"),
        (b"replay\x01" + zlib.compress(b"{}", wbits=-15), "damaged"),
        (packed(b""), "damaged"),
        (packed(b"[]"), "no replay"),
        (packed(b"{} {}"), "damaged"),
        (packed(b'{"a":NaN}'), "damaged"),
        (packed(b'{"a":"\xff"}'), "damaged"),
        (packed(b"{}") + b"more", "too large"),
        (packed_long(b"{}") + lzma.compress(b"{}"), "too large"),
        (packed_long(b"{}", format=lzma.FORMAT_ALONE), "damaged"),
        (gzip.compress(b"{", mtime=0), "damaged"),
        (gzip.compress(b"{}", mtime=0) * 2, "too large"),
    ],
)
def test_damage_is_named(data, sentence):
    with pytest.raises(InvalidArgument, match=sentence):
        replay.from_bytes(data)


def test_a_file_cut_anywhere_is_refused(small, large):
    for data in (small, large):
        for length in range(0, len(data), 7):
            with pytest.raises(InvalidArgument):
                replay.from_bytes(data[:length])


def test_a_flipped_bit_is_found(small, large):
    """Or changes nothing: a few bits are in no checksum."""
    chance = random.Random(1)
    for data in (small, large):
        whole = replay.from_bytes(data)
        for position in chance.sample(range(len(data) * 8), 400):
            flipped = bytearray(data)
            flipped[position // 8] ^= 1 << position % 8
            try:
                assert replay.from_bytes(bytes(flipped)) == whole
            except InvalidArgument:
                continue


@given(st.binary(max_size=300), st.sampled_from([b"", packing.HEADER, packing.GZIP_MAGIC]))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused(data, start):
    with pytest.raises(InvalidArgument):
        replay.from_bytes(start + data)


@given(st.binary(max_size=200) | st.text('[]{}":,0e-+.\\u', max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_random_text_is_refused_or_is_an_object(text):
    for data in (packed(text), packed_long(text, preset=0), gzip.compress(text)):
        try:
            assert isinstance(replay.from_bytes(data), dict)
        except InvalidArgument:
            continue


@pytest.mark.parametrize(
    "data",
    [
        packed(b'{"a":"' + b"x" * 65 * MIB + b'"}'),
        packed_long(b'{"a":"' + b"x" * 65 * MIB + b'"}', preset=0),
        gzip.compress(b'{"a":"' + b"x" * 65 * MIB + b'"}', 1),
        packed_long(b"{}", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 * MIB}]),
        packed(b'{"a":[' + b"[]," * 3 * MIB + b"0]}"),
        packed(b'{"a":[' + b'{"a":0},' * 2 * MIB + b"0]}"),
        packed(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        packed(b'{"a":' * 2_000 + b"0" + b"}" * 2_000),
    ],
    ids=["zlib", "xz", "gzip", "dictionary", "lists", "objects", "deep lists", "deep objects"],
)
def test_a_bomb_is_refused_before_it_takes_memory(data):
    assert len(data) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(InvalidArgument):
            replay.from_bytes(data)
        assert tracemalloc.get_traced_memory()[1] < 2.1 * packing.SIZE_LIMIT
    finally:
        tracemalloc.stop()


def test_the_limit_is_the_callers():
    data = packed(b'{"a":"' + b"x" * 100 + b'"}')
    assert len(replay.unpack(data, 108)) == 108
    with pytest.raises(InvalidArgument, match="too large"):
        replay.unpack(data, 107)


def test_what_is_nested_without_end_cannot_be_packed():
    endless: list = []
    endless.append(endless)
    with pytest.raises(InvalidArgument, match="JSON cannot carry"):
        replay.to_bytes({"steps": endless})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=40,
)  # fmt: skip


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), JSON, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_json_object_comes_back_exactly(value):
    text = replay.unpack(replay.to_bytes(value))
    again = replay.from_bytes(replay.to_bytes(value))
    assert repr(again) == repr(value)
    assert replay.unpack(replay.to_bytes(again)) == text
