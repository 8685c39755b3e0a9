"""Uploads become a folder with main.py, or one sentence and nothing at all."""

import contextlib
import gzip
import io
import os
import random
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.archive import MAX_BYTES, MAX_MEMBERS, checked_parts, send_files
from evaluation.bundle import BundleError, Receiver, unpack
from tests.evaluation.packing import AGENT, framed, tarred, upload, zipped


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "agents").mkdir()
    return tmp_path / "agents" / "somebody"


def refusal(tmp_path: Path, place: Path, content: bytes, filename: str) -> BundleError:
    with pytest.raises(BundleError) as caught:
        unpack(upload(tmp_path, content), filename, place)
    assert list(place.parent.iterdir()) == [], "something was left behind"
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("top", ["", "./", "my-agent/"])
def test_bundle_is_unpacked_with_main_at_its_top(tmp_path, place, pack, top):
    entries = [(f"{top}main.py", AGENT), (f"{top}data/weights.bin", b"\0\1\2")]
    name = "agent.zip" if pack is zipped else "agent.tar.gz"
    main = unpack(upload(tmp_path, pack(*entries)), name, place)
    assert main == place / "main.py"
    assert main.read_bytes() == AGENT
    assert (place / "data" / "weights.bin").read_bytes() == b"\0\1\2"
    assert list(place.parent.iterdir()) == [place]


def test_everything_is_readable_by_the_box_and_nothing_runnable(tmp_path, place):
    content = zipped(("main.py", AGENT), ("lib/tool.py", b"x = 1"), mode=0o106755)
    before = os.umask(0o077)
    try:
        unpack(upload(tmp_path, content), "agent.zip", place)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [place, *place.rglob("*")]}
    assert modes == {"somebody": 0o755, "main.py": 0o644, "lib": 0o755, "tool.py": 0o644}


@pytest.mark.parametrize("content", [AGENT, b"\xef\xbb\xbf" + AGENT, "# Grüße\n".encode() + AGENT])
def test_single_file_passes_through(tmp_path, place, content):
    assert unpack(upload(tmp_path, content), "My Agent.PY", place).read_bytes() == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "JPEG picture"),
        (zipped(("main.py", AGENT)), "zip archive"),
        (b"def agent(obs):\0 return 1", "NUL"),
        ("# Grüße".encode("latin-1"), "not UTF-8"),
        (AGENT.decode().encode("utf-16"), "NUL"),
    ],
)
def test_file_that_is_no_text_is_refused(tmp_path, place, content, words):
    assert words in str(refusal(tmp_path, place, content, "agent.py"))


@pytest.mark.parametrize("content", [b"", b"   \n\t\n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused(tmp_path, place, content):
    error = refusal(tmp_path, place, content, "agent.py")
    assert error.code == "empty_upload"
    assert "empty" in str(error)


@pytest.mark.parametrize(
    "name", ["agent", "agent.exe", "agent.tar", "agent.tar.bz2", "a.7z", "zip"]
)
def test_other_kinds_are_refused_by_name(tmp_path, place, name):
    assert ".py, .zip or .tar.gz" in str(refusal(tmp_path, place, AGENT, name))


NAMES = {
    "../evil.py": "leads out of the bundle",
    "data/../../evil.py": "leads out of the bundle",
    "/etc/evil.py": "is an absolute path",
    "C:/evil.py": "is an absolute path",
    "data\\evil.py": "contains a backslash",
    "evil\n.py": "contains control characters",
    "evil\x1b[2J.py": "contains control characters",
    "x" * 300: "has a name that is too long",
    "/".join("x" * 30): "has a name that is too long",
}


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name)[:20])
def test_entry_that_could_lead_elsewhere_is_named(tmp_path, place, pack, name):
    content = pack(("main.py", AGENT), (name, b"x = 1"))
    kind = "agent.zip" if pack is zipped else "agent.tar.gz"
    message = str(refusal(tmp_path, place, content, kind))
    assert message.startswith('The entry "')
    assert NAMES[name] in message
    assert not (tmp_path / "evil.py").exists()


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    ("names", "rule"),
    [
        (["main.py", "a.py", "a.py"], "appears twice"),
        (["main.py", "a.py", "A.PY"], "appears twice"),
        (["main.py", "stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE"], "appears twice"),
        (["main.py", "a", "a/b"], "is a file and a folder at once"),
        (["main.py", "a/b", "A"], "is a file and a folder at once"),
        (["main.py", "a/b", "./a//b"], "appears twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_collide_are_refused(tmp_path, place, pack, names, rule):
    content = pack(*((name, AGENT) for name in names))
    kind = "agent.zip" if pack is zipped else "agent.tar.gz"
    assert rule in str(refusal(tmp_path, place, content, kind))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, place, kind):
    content = tarred(("main.py", AGENT), ("evil", b""), kind=kind, linkname="/etc/passwd")
    message = str(refusal(tmp_path, place, content, "agent.tar.gz"))
    assert message == 'The entry "evil" is not a regular file.'


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, place, mode):
    content = zipped(("evil", b"/etc/passwd"), mode=mode | 0o777)
    assert "is not a regular file" in str(refusal(tmp_path, place, content, "agent.zip"))


def test_encrypted_entry_is_refused(tmp_path, place):
    content = bytearray(zipped(("main.py", AGENT)))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    assert "is encrypted" in str(refusal(tmp_path, place, bytes(content), "agent.zip"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_whose_memory_cannot_be_bounded_is_refused(tmp_path, place, method):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("main.py", AGENT)
    message = str(refusal(tmp_path, place, buffer.getvalue(), "agent.zip"))
    assert "other than deflate" in message


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_too_many_entries_are_refused(tmp_path, place, pack):
    content = pack(("main.py", AGENT), *((f"{n}.txt", b"") for n in range(MAX_MEMBERS)))
    kind = "agent.zip" if pack is zipped else "agent.tar.gz"
    assert f"more than {MAX_MEMBERS} entries" in str(refusal(tmp_path, place, content, kind))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_bomb_is_refused_by_what_was_written(tmp_path, place, pack):
    content = pack(("main.py", AGENT), ("bomb", bytes(MAX_BYTES + 1)))
    kind = "agent.zip" if pack is zipped else "agent.tar.gz"
    started = time.monotonic()
    assert "more than 50 MB" in str(refusal(tmp_path, place, content, kind))
    assert time.monotonic() - started < 10


def test_zip_that_lies_about_its_sizes_is_refused(tmp_path, place):
    content = bytearray(zipped(("main.py", AGENT), ("bomb", bytes(1_000_000))))
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 10)
    assert "damaged" in str(refusal(tmp_path, place, bytes(content), "agent.zip"))


def test_tar_bomb_in_its_headers_is_refused(tmp_path, place):
    """A header that claims a gigabyte of extended attributes, which would be read into memory."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    packer = zlib.compressobj(1, wbits=31)
    content = packer.compress(header.tobuf())
    for _ in range(80):
        content += packer.compress(bytes(1 << 20))
    content += packer.flush()
    assert len(content) < 1_000_000
    assert "more than 50 MB" in str(refusal(tmp_path, place, content, "agent.tar.gz"))


def test_sparse_entry_is_refused(tmp_path, place):
    content = tarred(("main.py", AGENT), ("hole", b""), kind=tarfile.GNUTYPE_SPARSE)
    message = str(refusal(tmp_path, place, content, "agent.tar.gz"))
    assert "damaged" in message or "is not a regular file" in message


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archive_without_main_is_refused(tmp_path, place, pack):
    kind = "agent.zip" if pack is zipped else "agent.tar.gz"
    content = pack(("agent.py", AGENT))
    assert "no main.py" in str(refusal(tmp_path, place, content, kind))
    content = pack(("a/main.py", AGENT), ("b/main.py", AGENT))
    assert "no main.py" in str(refusal(tmp_path, place, content, kind))


def test_archive_with_nothing_in_it_is_empty(tmp_path, place):
    assert refusal(tmp_path, place, zipped(), "agent.zip").code == "empty_upload"


def test_main_in_an_archive_must_be_text_too(tmp_path, place):
    content = zipped(("main.py", b"\x89PNG\r\n\x1a\n"))
    assert "PNG picture" in str(refusal(tmp_path, place, content, "agent.zip"))


def test_what_mac_os_adds_is_left_out(tmp_path, place):
    entries = [("bot/main.py", AGENT), ("__MACOSX/bot/._main.py", b"x"), ("bot/.DS_Store", b"x")]
    unpack(upload(tmp_path, zipped(*entries)), "agent.zip", place)
    assert [path.name for path in place.rglob("*")] == ["main.py"]


@pytest.mark.parametrize("kind", ["agent.zip", "agent.tar.gz"])
@pytest.mark.parametrize("content", [b"no archive at all", b"PK\x03\x04" + bytes(90), bytes(600)])
def test_what_is_no_archive_is_damaged(tmp_path, place, kind, content):
    assert "damaged" in str(refusal(tmp_path, place, content, kind))


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_cut_archive_is_damaged(tmp_path, place, part):
    noise = random.Random(1).randbytes(100_000)
    for pack, kind in ((zipped, "agent.zip"), (tarred, "agent.tar.gz")):
        whole = pack(("main.py", AGENT), ("data", noise))
        cut = whole[: int(len(whole) * part)]
        assert "damaged" in str(refusal(tmp_path, place, cut, kind))


def test_second_worker_with_the_same_upload_finds_it_unpacked(tmp_path, place):
    archive = upload(tmp_path, zipped(("main.py", AGENT)))
    first = unpack(archive, "agent.zip", place)
    assert unpack(archive, "agent.zip", place) == first
    assert list(place.parent.iterdir()) == [place]


@given(st.text(max_size=60))
def test_accepted_names_stay_inside(name):
    try:
        parts = checked_parts(name)
    except BundleError:
        return
    inner = os.path.normpath(os.path.join("/bundle", *parts))
    assert inner == "/bundle" or inner.startswith("/bundle/")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from([".zip", ".tar.gz"]))
def test_damaged_bytes_give_a_sentence_or_a_bundle(tmp_path_factory, seed, kind):
    draw = random.Random(seed)
    pack = zipped if kind == ".zip" else tarred
    content = bytearray(pack(("main.py", AGENT), ("lib/data", draw.randbytes(300))))
    if kind == ".tar.gz":
        content = bytearray(gzip.decompress(content))
    for _ in range(draw.randrange(1, 6)):
        content[draw.randrange(len(content))] = draw.randrange(256)
    raw = gzip.compress(content) if kind == ".tar.gz" else bytes(content)
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "out").mkdir()
    sent = io.BytesIO()
    send_files(str(upload(folder, raw)), kind, lambda *part: sent.write(framed(*part)))
    sent.seek(0)
    with contextlib.suppress(BundleError):
        Receiver(sent.read, folder / "out").run()
    outside = {path.name for path in folder.iterdir()}
    assert outside == {"upload", "out"}
