"""Whatever bytes come from a stranger, the worker parses them or refuses them, and no more."""

import contextlib
import gzip
import io
import json
import shutil
import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.archive import MAX_BYTES, MAX_MEMBERS, send_files
from evaluation.bundle import BundleError, Receiver, unpack
from evaluation.sandbox import wire
from evaluation.sandbox.process import AgentProcess
from tests.hostile.archives import AGENT, Entry, directory, long_name, member, pax, zip_of
from tests.hostile.boxes import LIMITS

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)
MESSAGES = st.dictionaries(st.text(), PLAIN, max_size=4).map(lambda message: message | {"seq": 4})
TOKENS = [b"NaN", b"-Infinity", b"1e999", b"1" * 400, b"[" * 40, b"{" * 40, b'"\\ud800"', b"\0",
          b'"seq":5,', b",", b":", b'"', b"\\", b"\xff", b"\xed\xa0\x80", b"9223372036854775808",
          b"-0", b"0x1", b"true", b"null", b"}", b"]", b"\xef\xbb\xbf"]  # fmt: skip
# Where, how many bytes go, and what comes.
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from([0, 0, 1, 1, 4, 20]),
        st.sampled_from(TOKENS) | st.binary(max_size=4),
    ),
    max_size=6,
)
WRITER = """
import os
def agent(observation):
    data = bytes.fromhex(observation.data)
    while data:
        data = data[os.write(4, data):]
    while observation.stays: pass
    return 0
"""
CODES = {"protocol_error", "invalid_action", "output_limit", "move_timeout", "exception"}

ZIP = zip_of("main.py", Entry("data/", b""), Entry("data/weights", bytes(range(256)) * 4))
TAR = b"".join([
    member(), directory("data"), pax(path="data/weights", mtime="1.5"), member("x", AGENT * 20),
    long_name("y" * 150), member("y"), bytes(1024),
])  # fmt: skip


def changed(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for where, gone, come in changes:
        at = round(where * len(content))
        content = content[:at] + come + content[at + gone :]
    return content


def depth(value: object) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


@settings(deadline=None, max_examples=250)
@given(MESSAGES)
def test_frame_is_parsed_as_it_was(message):
    frame = wire.frame(message)
    assert wire.body_length(frame) == len(frame) - wire.HEADER_BYTES
    again = wire.parse(frame[wire.HEADER_BYTES :], 4)
    assert json.dumps(again) == json.dumps(message)


@settings(deadline=None, max_examples=800)
@given(MESSAGES, CHANGES)
def test_changed_answer_is_parsed_or_refused_in_a_sentence(message, changes):
    body = changed(wire.frame(message)[wire.HEADER_BYTES :], changes)
    parsed, sentence = None, ""
    try:
        parsed = wire.parse(body, 4)
    except wire.WireError as error:
        sentence = str(error)
    assert bool(sentence) == (parsed is None)
    assert len(sentence) < 300
    assert sentence.isprintable()
    assert depth(parsed) <= wire.MAX_DEPTH
    json.dumps(parsed, allow_nan=False).encode()
    orjson.dumps(parsed)


@pytest.fixture(scope="module")
def writer() -> Path:
    with tempfile.TemporaryDirectory(prefix="palaestra-hostile-") as folder:
        path = Path(folder, "main.py")
        path.write_text(WRITER)
        yield path


@settings(deadline=None, max_examples=60)
@given(message=MESSAGES, changes=CHANGES, stays=st.booleans(), times=st.integers(1, 2))
def test_whatever_an_agent_writes_ends_in_a_verdict_on_it(writer, message, changes, stays, times):
    data = changed(wire.frame(message | {"seq": 2}) * times, changes)
    with AgentProcess(writer, LIMITS) as box:
        for _ in range(2):
            action, _ = box.act({"data": data.hex(), "stays": stays}, {}, 0.05)
            assert isinstance(action, Exception) == bool(box.verdict)
        assert box.verdict is None or box.verdict.code in CODES, box.verdict


def judge_folder(folder: Path) -> None:
    """Regular files and folders alone, within the bounds."""
    found = list(folder.rglob("*"))
    assert not [path for path in found if path.is_symlink()]
    assert not [path for path in found if not (path.is_dir() or path.is_file())]
    files = [path for path in found if path.is_file()]
    assert len(files) <= MAX_MEMBERS
    assert sum(path.stat().st_size for path in files) <= MAX_BYTES


@settings(deadline=None, max_examples=500)
@given(CHANGES, st.sampled_from([".zip", ".tar.gz"]), st.booleans())
def test_changed_archive_is_refused_or_stays_inside(tmp_path_factory, changes, kind, is_inner):
    """is_inner: a tar is changed before it is packed, so that its headers lie, not its packing."""
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "out").mkdir(parents=True)
    if kind == ".zip":
        raw = changed(ZIP, changes)
    else:
        raw = gzip.compress(changed(TAR, changes if is_inner else []), mtime=0)
        raw = raw if is_inner else changed(raw, changes)
    (folder / "upload").write_bytes(raw)
    sent = io.BytesIO()
    send_files(
        str(folder / "upload"), kind, lambda *part: sent.write(wire.frame(part[0]) + part[1])
    )
    sent.seek(0)
    with contextlib.suppress(BundleError):
        Receiver(sent.read, folder / "out").run()
    judge_folder(folder / "out")
    assert {path.name for path in folder.iterdir()} == {"upload", "out"}


@settings(deadline=None, max_examples=80)
@given(CHANGES, st.sampled_from(["agent.zip", "agent.tar.gz"]))
def test_changed_upload_is_refused_or_unpacked_whole(tmp_path_factory, changes, filename):
    folder = tmp_path_factory.mktemp("fuzzed")
    raw = changed(ZIP, changes)
    if filename == "agent.tar.gz":
        raw = gzip.compress(changed(TAR, changes), mtime=0)
    (folder / "upload").write_bytes(raw or b"x")
    left, sentence = {"upload", "agent"}, ""
    try:
        unpack(folder / "upload", filename, folder / "agent")
        assert (folder / "agent" / "main.py").is_file()
    except BundleError as error:
        left, sentence = {"upload"}, str(error)
    assert sentence.isprintable()
    judge_folder(folder / "agent")
    assert {path.name for path in folder.iterdir()} == left
