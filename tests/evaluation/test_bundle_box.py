"""Archives are read in a box: what comes back is not believed, and what breaks it is refused."""

import dataclasses
import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation import bundle, match
from evaluation.archive import CHUNK, MAX_BYTES, MAX_MEMBERS, RULES, BundleError, Refused
from evaluation.bundle import Receiver, unpack, upload_path
from evaluation.match import EpisodeSpec
from evaluation.sandbox import keeper, nursery, probe
from evaluation.sandbox.errors import BoxFailed
from evaluation.sandbox.keeper import Wanted
from evaluation.sandbox.limits import MIB
from evaluation.sandbox.wire import WireError
from evaluation.tasks import unpacked
from evaluation.worker import Settings
from tests.evaluation.packing import AGENT, framed, tarred, upload, zipped
from tests.hostile.boxes import SYSTEM_PYTHON, as_ordinary_user

PIPE_BYTES = 60_000  # what a pipe takes without a reader
ORDINARY = Wanted(SYSTEM_PYTHON, (), preload=(), minimum="C")
UPLOADS = {
    "good.zip": zipped(("main.py", AGENT), ("data/weights", b"\0\1")),
    "good.tar.gz": tarred(("bot/main.py", AGENT), ("bot/weights", b"\0\1")),
    "good.py": AGENT,
    "climbs.zip": zipped(("main.py", AGENT), ("../evil", b"x")),
    "cut.zip": zipped(("main.py", AGENT))[:50],
    "bomb.zip": zipped(("main.py", AGENT), ("bomb", bytes(MAX_BYTES))),
}


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A place for a bundle where an ordinary user may write."""
    folder = Path(tempfile.mkdtemp(prefix="palaestra-bundle-"))
    folder.chmod(0o777)
    yield folder / "somebody"
    shutil.rmtree(folder)


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "agents").mkdir()
    return tmp_path / "agents" / "somebody"


def received(stream: bytes, folder: Path, left: int = MAX_BYTES) -> Receiver:
    """What is made of a stream that comes through a pipe."""
    read, write = os.pipe()
    with open(write, "wb", buffering=0) as pipe:
        pipe.write(stream)
    with open(read, "rb", buffering=0) as pipe:
        receiver = Receiver(lambda size: os.read(pipe.fileno(), size), folder)
        receiver.left = left
        receiver.run()
    return receiver


def outcomes(place: Path, wanted: Wanted | None = None) -> dict[str, list[str] | str]:
    """The files of each upload, or why it was refused."""
    found: dict[str, list[str] | str] = {}
    for name, content in UPLOADS.items():
        archive = upload(place.parent, content)
        try:
            folder = unpack(archive, name, place, wanted).parent
            found[name] = sorted(path.name for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
        except BundleError as error:
            found[name] = str(error)
        archive.unlink()
    assert list(place.parent.iterdir()) == []
    return found


EXPECTED = {
    "good.zip": ["main.py", "weights"],
    "good.tar.gz": ["main.py", "weights"],
    "good.py": ["main.py"],
    "climbs.zip": 'The entry "../evil" leads out of the bundle.',
    "cut.zip": "The archive is damaged or no .zip file.",
    "bomb.zip": "The archive unpacks to more than 50 MB.",
}


@pytest.mark.parametrize("level", ["A", "B", "C"])
def test_uploads_come_out_alike_at_every_level(open_place, monkeypatch, level):
    if not SYSTEM_PYTHON.exists():
        pytest.skip("no interpreter that every user can reach")
    levels = [one for one in nursery.LEVELS if one.name == level]
    monkeypatch.setattr(probe, "LEVELS", levels)
    wanted = dataclasses.replace(ORDINARY, environment=(("LEVEL", level),))
    assert outcomes(open_place, wanted) == EXPECTED
    assert keeper.lend(wanted).level.name == level


@pytest.mark.skipif(os.geteuid() != 0, reason="the test above runs as an ordinary user already")
def test_uploads_come_out_alike_for_an_ordinary_user(open_place):
    assert as_ordinary_user(lambda: outcomes(open_place, ORDINARY)) == EXPECTED


def children() -> set[int]:
    """Processes that this one started; of boxes, their zygotes."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(pid) for path in tasks for pid in path.read_text().split()}


def test_what_our_disk_has_damaged_is_no_fault_of_the_upload(tmp_path):
    name = hashlib.sha256(zipped(("main.py", AGENT))).hexdigest()
    archive = upload_path(tmp_path, name)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"")
    config = Settings("", tmp_path, concurrency=1, url_allow=(), minimum="A")
    with pytest.raises(OSError, match="damaged on our disk"):
        unpacked(config, name, "agent.zip")


def test_an_upload_is_read_where_its_agent_will_play(tmp_path):
    data_dir = tmp_path / "data"
    packed = zipped(("main.py", AGENT))
    name = hashlib.sha256(packed).hexdigest()
    archive = upload_path(data_dir, name)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(packed)
    config = Settings("", data_dir, concurrency=1, url_allow=(), minimum="A")
    before = children()
    folder = unpacked(config, name, "agent.zip")
    with_reader = children()
    match.play_episode(
        EpisodeSpec(
            "connectx",
            {},
            [folder, folder],
            hidden=[str(data_dir)],
            minimum="A",
            data_dir=str(data_dir),
        )
    )
    assert len(with_reader - before) == 1
    assert children() == with_reader


def test_a_single_file_needs_no_box(tmp_path, place):
    nowhere = Wanted(Path("/nowhere/bin/python"), ())
    assert unpack(upload(tmp_path, AGENT), "agent.py", place, nowhere).read_bytes() == AGENT


def test_a_box_that_cannot_be_had_is_no_fault_of_the_archive(tmp_path, place):
    nowhere = Wanted(Path("/nowhere/bin/python"), ())
    with pytest.raises(BoxFailed, match="does not run"):
        unpack(upload(tmp_path, zipped(("main.py", AGENT))), "agent.zip", place, nowhere)
    assert list(place.parent.iterdir()) == []


def directory(entries: int) -> bytes:
    """A zip archive that is all table of contents."""
    name = b"main.py"
    fields = (20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
    table = (struct.pack("<4s4B4H3L5H2L", b"PK\x01\x02", *fields) + name) * entries
    return table + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(table), 0, 0)


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({"cpu_s": 1}, "The archive takes too much time to unpack."),
        ({"memory_bytes": 128 * MIB}, "The archive takes too much memory to unpack."),
    ],
)
def test_an_archive_that_exhausts_its_box_is_refused(tmp_path, place, monkeypatch, bound, message):
    monkeypatch.setattr(bundle, "LIMITS", dataclasses.replace(bundle.LIMITS, **bound))
    with pytest.raises(BundleError) as caught:
        unpack(upload(tmp_path, directory(400_000)), "agent.zip", place)
    assert str(caught.value) == message
    assert list(place.parent.iterdir()) == []


def test_a_box_that_takes_too_long_is_ended(tmp_path, place, monkeypatch):
    monkeypatch.setattr(bundle, "UNPACK_S", 0.2)
    with pytest.raises(BundleError, match="too much time"):
        unpack(upload(tmp_path, directory(400_000)), "agent.zip", place)


def test_an_upload_that_no_box_could_hold_is_refused(tmp_path, place):
    archive = tmp_path / "upload"
    with open(archive, "wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(BundleError, match="larger than 54 MB"):
        unpack(archive, "agent.zip", place)


UNPACK_FOR_EVER = """
import sys
from pathlib import Path
from evaluation import bundle
while True:
    bundle.unpack(Path(sys.argv[1]), "agent.zip", Path(sys.argv[2]))
    bundle.shutil.rmtree(sys.argv[2])
"""


def test_what_a_killed_worker_left_is_swept_after_an_hour(tmp_path, place):
    archive = upload(tmp_path, zipped(("main.py", AGENT), ("weights", bytes(40_000_000))))
    command = [sys.executable, "-c", UNPACK_FOR_EVER, archive, place]
    worker = subprocess.Popen(command, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    while not list(place.parent.glob(".unpacking-*/weights")):
        assert worker.poll() is None
    worker.kill()
    worker.wait()
    (partial,) = place.parent.glob(".unpacking-*")
    assert not place.exists()
    unpack(archive, "agent.zip", place)
    assert partial.exists(), "another worker may still be writing it"
    os.utime(partial, (time.time() - 4000, time.time() - 4000))
    unpack(archive, "agent.zip", place)
    assert list(place.parent.iterdir()) == [place]


def test_a_box_that_never_ends_fills_no_disk(tmp_path):
    read, write = os.pipe()
    part = framed({"size": CHUNK}, bytes(CHUNK))

    def flood() -> None:
        with open(write, "wb", buffering=0) as pipe:
            try:
                pipe.write(framed({"name": "main.py", "size": 0}))
                while True:
                    pipe.write(part)
            except BrokenPipeError:
                return

    box = threading.Thread(target=flood)
    box.start()
    with open(read, "rb") as pipe, pytest.raises(Refused) as caught:
        Receiver(pipe.read, tmp_path).run()
    box.join()
    assert caught.value.rule == "bytes"
    assert (tmp_path / "main.py").stat().st_size <= MAX_BYTES


def test_a_box_that_names_too_many_files_is_stopped(tmp_path):
    stream = b"".join(framed({"name": str(n), "size": 0}) for n in range(MAX_MEMBERS + 1))
    with pytest.raises(Refused) as caught:
        received(stream, tmp_path)
    assert caught.value.rule == "members"
    assert len(list(tmp_path.iterdir())) == MAX_MEMBERS


DONE = framed({"done": True})
FILE = framed({"name": "main.py", "size": 1}, b"x")
LIES = {
    "no end": FILE,
    "half a file": framed({"name": "main.py", "size": 2}, b"x"),
    "bytes of no file": framed({"size": 1}, b"x") + DONE,
    "a file without a size": framed({"name": "main.py"}) + DONE,
    "a negative size": framed({"name": "main.py", "size": -1}) + DONE,
    "a size that is true": framed({"name": "main.py", "size": True}, b"x") + DONE,
    "a part that is too large": framed({"name": "main.py", "size": CHUNK + 1}) + bytes(10),
    "a header that is too long": (1 << 31).to_bytes(4, "little"),
    "a header that is no object": framed([]) + DONE,
    "a header that is no JSON": (4).to_bytes(4, "little") + b"nope" + DONE,
    "a name that is a number": framed({"name": 7, "size": 0}) + DONE,
    "a name that is empty": framed({"name": "", "size": 0}) + DONE,
    "a rule of its own": framed({"rule": "Send us money.", "about": ""}),
    "a rule about nothing": framed({"rule": "twice"}),
    "a rule that is a list": framed({"rule": ["twice"], "about": ""}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_box_that_breaks_the_protocol_is_not_believed(tmp_path, lie):
    with pytest.raises(WireError):
        received(LIES[lie], tmp_path)


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["../evil"], "outside"),
        (["/evil"], "absolute"),
        (["a\0b"], "control"),
        (["a\\b"], "backslash"),
        (["a", "A"], "twice"),
        (["a", "a/b"], "file_and_folder"),
        (["a/b", "a"], "file_and_folder"),
        (["x" * 300], "long_name"),
    ],
)
def test_names_are_checked_again_outside_the_box(tmp_path, names, rule):
    stream = b"".join(framed({"name": name, "size": 1}, b"x") for name in names) + DONE
    with pytest.raises(Refused) as caught:
        received(stream, tmp_path)
    assert caught.value.rule == rule
    assert len(list(tmp_path.rglob("*"))) < 3


def test_nothing_received_is_an_empty_archive(tmp_path):
    with pytest.raises(Refused) as caught:
        received(DONE, tmp_path)
    assert caught.value.code == "empty_upload"


def test_only_the_entry_in_a_refusal_is_a_strangers_word(tmp_path):
    about = '<script src="//evil">\n\x1b[2J&amp; ' + "x" * 1000
    with pytest.raises(Refused) as caught:
        received(framed({"rule": "twice", "about": about}), tmp_path)
    message = str(caught.value)
    assert message.startswith('The entry "\N{REPLACEMENT CHARACTER}script src=')
    assert message.endswith('" appears twice.')
    assert message.isprintable()
    assert not set("<>&") & set(message)
    assert len(message) < 120


def lied(header: object, content: bytes) -> bytes:
    """A part with whatever in its header."""
    body = json.dumps(header).encode()
    return len(body).to_bytes(4, "little") + body + content


NAMES = st.one_of(
    st.sampled_from(
        ["main.py", "a", "A", "a/b", "../a", "/a", "a/../../b", "", ".", "a\0", "a/", "\ud800"]
    ),
    st.text(max_size=20),
    st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=2),
)
SIZES = st.integers(0, 40) | st.integers() | st.sampled_from([True, None, 1.5, "1", CHUNK, -1])
HEADERS = st.one_of(
    st.fixed_dictionaries({"name": NAMES, "size": SIZES}),
    st.fixed_dictionaries({"size": SIZES}),
    st.fixed_dictionaries({"rule": st.sampled_from(sorted(RULES)) | NAMES, "about": NAMES}),
    st.just({"done": True}),
    NAMES,
)
HONEST = st.builds(
    lambda name, content: framed({"name": name, "size": len(content)}, content),
    st.text("abA./", min_size=1, max_size=6),
    st.binary(max_size=40),
)
LYING = st.builds(lied, HEADERS, st.binary(max_size=40))


@settings(max_examples=300, deadline=None)
@given(stream=st.lists(HONEST | LYING | st.binary(max_size=20), max_size=12))
def test_whatever_a_box_says_stays_in_the_folder_and_within_the_bounds(tmp_path_factory, stream):
    folder = tmp_path_factory.mktemp("lies")
    inside = folder / "inside"
    inside.mkdir()
    try:
        receiver = received(b"".join(stream)[:PIPE_BYTES], inside, left=100)
        assert receiver.names.files
    except (Refused, WireError):
        pass
    assert list(folder.iterdir()) == [inside]
    written = [path.lstat() for path in inside.rglob("*") if not path.is_dir()]
    assert all(stat.S_ISREG(one.st_mode) for one in written)
    assert sum(one.st_size for one in written) <= 100
    shutil.rmtree(folder)
