"""Hostile archives are refused in one sentence and leave nothing; odd ones that are good pass."""

import gzip
import struct
from pathlib import Path

import pytest

from evaluation.archive import MAX_BYTES, MAX_DEPTH, MAX_MEMBERS, MAX_NAME
from evaluation.bundle import BundleError, unpack
from tests.hostile.archives import (
    AGENT,
    MEGABYTE,
    STORED,
    Build,
    Entry,
    directory,
    entries_of,
    gzip_with_header,
    long_name,
    member,
    pax,
    tar_of,
    zeros,
    zip64_of,
    zip_of,
)
from tests.hostile.tars import TARS
from tests.hostile.zips import ZIPS

HUGE = 1 << 40

# What names may not be, in either kind of archive.
NAMES = {
    "up": ("../evil.py", "leads out of the bundle"),
    "up_later": ("data/../../evil.py", "leads out of the bundle"),
    "up_at_the_end": ("data/..", "leads out of the bundle"),
    "absolute": ("/tmp/evil.py", "is an absolute path"),
    "share": ("//server/evil.py", "is an absolute path"),
    "drive": ("C:/evil.py", "is an absolute path"),
    "drive_alone": ("c:evil.py", "is an absolute path"),
    "backslash": ("..\\..\\evil.py", "contains a backslash"),
    "newline": ("evil\n.py", "contains control characters"),
    "escape": ("evil\x1b[2J.py", "contains control characters"),
    "next_line": ("evil\x85.py", "contains control characters"),
    "long_part": ("x" * 256, "has a name that is too long"),
    "long_part_in_bytes": ("\N{SNOWMAN}" * 100, "has a name that is too long"),
    "long_path": ("/".join(["x" * 99] * 5), "has a name that is too long"),
    "deep": ("x/" * MAX_DEPTH + "x", "has a name that is too long"),
    "same": ("main.py", "appears twice"),
    "same_behind_a_dot": (".//main.py", "appears twice"),
    "other_case": ("MAIN.PY", "appears twice"),
    "other_form": ("\N{LATIN SMALL LETTER E WITH ACUTE}.py", "appears twice"),
    "sharp_s": ("STRASSE.py", "appears twice"),
    "below_a_file": ("main.py/evil.py", "is a file and a folder at once"),
}

BESIDE = ("main.py", "e\N{COMBINING ACUTE ACCENT}.py", "stra\N{LATIN SMALL LETTER SHARP S}e.py")

BOMBS: dict[str, tuple[Build, str]] = {
    "agent.zip": (lambda: zeros("zip", MAX_BYTES + 1), "more than 50 MB"),
    "agent.tar.gz": (lambda: zeros("tar.gz", MAX_BYTES + 1), "more than 50 MB"),
}

# Odd, and good: what must be unpacked besides main.py.
GOOD: dict[str, tuple[str, Build, dict[str, bytes]]] = {
    "byte_order_mark": (
        "agent.zip",
        lambda: zip_of(Entry("main.py", b"\xef\xbb\xbf" + AGENT)),
        {"main.py": b"\xef\xbb\xbf" + AGENT},
    ),
    "one_folder": ("agent.zip", lambda: zip_of("bot/main.py", "bot/a.py"), {"a.py": AGENT}),
    "one_folder_in_tar": (
        "agent.tar.gz",
        lambda: tar_of(directory("bot"), member("bot/main.py"), member("bot/a.py")),
        {"a.py": AGENT},
    ),
    "from_a_mac": (
        "agent.zip",
        lambda: zip_of("bot/main.py", "__MACOSX/bot/._main.py", "bot/.DS_Store"),
        {},
    ),
    "capital_letters": ("My Agent.TAR.GZ", lambda: tar_of(member()), {}),
    "prefix": ("agent.zip", lambda: b"#!/bin/sh\nexit\n" + zip_of("main.py"), {}),
    "picture_before_it": ("agent.zip", lambda: b"\x89PNG\r\n\x1a\n" + zip_of("main.py"), {}),
    "comment": ("agent.zip", lambda: zip_of("main.py", comment=b"x" * 60_000), {}),
    "stored": ("agent.zip", lambda: zip_of(Entry("main.py", method=STORED)), {}),
    "64_bits": ("agent.zip", lambda: zip64_of("main.py", count=1), {}),
    "archive_as_data": (
        "agent.zip",
        lambda: zip_of("main.py", Entry("book.zip", zeros("zip", 9))),
        {"book.zip": zeros("zip", 9)},
    ),
    "letters": (
        "agent.zip",
        lambda: zip_of("main.py", "données/\N{SNOWMAN}.txt"),
        {"données/\N{SNOWMAN}.txt": AGENT},
    ),
    "dos_attributes": ("agent.zip", lambda: zip_of(Entry("main.py", attributes=0x20)), {}),
    "runnable": ("agent.zip", lambda: zip_of(Entry("main.py", attributes=0o106755 << 16)), {}),
    "empty_file": ("agent.zip", lambda: zip_of("main.py", Entry("x", b"")), {"x": b""}),
    "says_it_is_huge": (
        "agent.zip",
        lambda: zip_of("main.py", Entry("x", b"x", size=2**32 - 2)),
        {"x": b"x"},
    ),
    "says_it_has_64_bits_of_size": (
        "agent.zip",
        lambda: zip_of(Entry("main.py", size=2**32 - 1, extra=struct.pack("<2HQ", 1, 8, HUGE))),
        {},
    ),
    "long_names": (
        "agent.tar.gz",
        lambda: tar_of(member(), long_name("y" * 250), member("y")),
        {"y" * 250: AGENT},
    ),
    "long_path_in_pax": (
        "agent.tar.gz",
        lambda: tar_of(member(), pax(path="/".join(["x" * 90] * 4)), member("x")),
        {"/".join(["x" * 90] * 4): AGENT},
    ),
    "attributes_in_pax": (
        "agent.tar.gz",
        lambda: tar_of(pax(mtime="1.5", uname="root", SCHILY_xattr="x"), member()),
        {},
    ),
    "fields_of_gzip": ("agent.tar.gz", lambda: gzip_with_header(member() + bytes(1024)), {}),
    "gzip_in_pieces": (
        "agent.tar.gz",
        lambda: gzip.compress(member()[:300]) + gzip.compress(member()[300:] + bytes(1024)),
        {},
    ),
    "no_end": ("agent.tar.gz", lambda: tar_of(member(), end=b""), {}),
    "many_zeros_at_the_end": ("agent.tar.gz", lambda: tar_of(member(), end=bytes(100_000)), {}),
    "as_many_as_may_be": (
        "agent.tar.gz",
        lambda: tar_of(member(), *(member(f"{n}", b"") for n in range(MAX_MEMBERS - 1))),
        {f"{n}": b"" for n in range(MAX_MEMBERS - 1)},
    ),
}


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "agents").mkdir()
    return tmp_path / "agents" / "somebody"


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def judge_refusal(content: bytes, filename: str, words: str, place: Path) -> None:
    archive = place.parents[1] / "upload"
    archive.write_bytes(content)
    with pytest.raises(BundleError, match=words) as caught:
        unpack(archive, filename, place)
    message = str(caught.value)
    assert message.endswith(".")
    assert len(message) < 200
    assert message.isprintable()
    assert not set("<>&") & set(message)
    assert list(place.parent.iterdir()) == [], "something was left"
    assert {path.name for path in place.parents[1].iterdir()} == {"agents", "upload"}
    assert not Path("/tmp/evil.py").exists()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("case", NAMES)
def test_name_that_leads_astray_is_refused(case, kind, place):
    name, words = NAMES[case]
    judge_refusal(entries_of(kind, *BESIDE, name), f"agent.{kind}", words, place)


@pytest.mark.parametrize("case", ZIPS)
def test_hostile_zip_is_refused(case, place):
    build, words = ZIPS[case]
    judge_refusal(build(), "agent.zip", words, place)


@pytest.mark.parametrize("case", TARS)
def test_hostile_tar_is_refused(case, place):
    build, words = TARS[case]
    judge_refusal(build(), "agent.tar.gz", words, place)


@pytest.mark.slow
@pytest.mark.parametrize("filename", BOMBS)
def test_bomb_is_refused(filename, place):
    build, words = BOMBS[filename]
    content = build()
    assert len(content) < MEGABYTE
    judge_refusal(content, filename, words, place)


@pytest.mark.parametrize("case", GOOD)
def test_odd_archive_that_is_good_is_unpacked(case, place, tmp_path):
    filename, build, expected = GOOD[case]
    archive = tmp_path / "upload"
    archive.write_bytes(build())
    assert unpack(archive, filename, place) == place / "main.py"
    assert tree(place) == {"main.py": AGENT, **expected}
    modes = {path.stat().st_mode & 0o7777 for path in place.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_there_are_at_least_forty_hostile_archives():
    assert 2 * len(NAMES) + len(ZIPS) + len(TARS) + len(BOMBS) >= 40
    assert len(NAMES["long_path"][0]) > MAX_NAME
