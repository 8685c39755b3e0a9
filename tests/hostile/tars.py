"""Hostile tar archives, and the words by which each must be refused."""

import bz2
import gzip
import lzma
import os
import struct
import tarfile

from evaluation.archive import MAX_MEMBERS
from tests.hostile.archives import (
    AGENT,
    BLOCK,
    MEGABYTE,
    Build,
    directory,
    long_name,
    member,
    pax,
    tar_of,
    zip_of,
)

MANY = MAX_MEMBERS + 1
HUGE = 1 << 40

TARS: dict[str, tuple[Build, str]] = {
    "no_utf8": (lambda: tar_of(member(), member(b"\xff\xfe.py")), "is not UTF-8"),
    "no_utf8_in_pax": (
        lambda: tar_of(member(), pax(path=b"\xff\xfe.py"), member()),
        "is not UTF-8|damaged",
    ),
    "up_by_pax": (lambda: tar_of(member(), pax(path="../evil.py"), member("x")), "leads out"),
    "up_by_pax_for_all": (
        lambda: tar_of(pax(tarfile.XGLTYPE, path="../evil.py"), member()),
        "leads out",
    ),
    "up_by_long_name": (
        lambda: tar_of(member(), long_name("../evil.py"), member("x")),
        "leads out",
    ),
    "up_by_prefix": (lambda: tar_of(member(), member("evil.py", prefix=b"../..")), "leads out"),
    "absolute_by_pax": (
        lambda: tar_of(member(), pax(path="/tmp/evil.py"), member("x")),
        "absolute",
    ),
    "nul_in_pax": (
        lambda: tar_of(member(), pax(path="a.py\0.txt"), member("x")),
        "contains control characters|damaged",
    ),
    "name_of_a_megabyte": (
        lambda: tar_of(member(), pax(path="x" * MEGABYTE), member("x")),
        "has a name that is too long",
    ),
    "symbolic_link": (
        lambda: tar_of(member(), member("evil", b"", tarfile.SYMTYPE, link=b"/etc/passwd")),
        'The entry "evil" is not a regular file.',
    ),
    "link_to_main": (
        lambda: tar_of(member("main.py", b"", tarfile.SYMTYPE, link=b"/etc/passwd")),
        'The entry "main.py" is not a regular file.',
    ),
    "file_through_a_link": (
        lambda: tar_of(
            member("data", b"", tarfile.SYMTYPE, link=b"/tmp"), member("data/evil.py"), member()
        ),
        "is not a regular file",
    ),
    "hard_link": (
        lambda: tar_of(member(), member("evil", b"", tarfile.LNKTYPE, link=b"/etc/shadow")),
        "is not a regular file",
    ),
    "hard_link_to_itself": (
        lambda: tar_of(member("main.py", b"", tarfile.LNKTYPE, link=b"main.py")),
        "is not a regular file",
    ),
    "long_link": (
        lambda: tar_of(
            member(),
            long_name("/etc/" + "x" * 200, tarfile.GNUTYPE_LONGLINK),
            member("evil", b"", tarfile.SYMTYPE),
        ),
        "is not a regular file",
    ),
    **{
        f"type_{kind.decode()}": (
            lambda kind=kind: tar_of(member(), member("evil", b"", kind)),
            "is not a regular file",
        )
        for kind in (b"3", b"4", b"6", b"7", b"D", b"M", b"N", b"V", b"Z")
    },
    "sparse": (
        lambda: tar_of(member(), member("hole", bytes(BLOCK), tarfile.GNUTYPE_SPARSE)),
        "is not a regular file|damaged",
    ),
    "sparse_by_pax": (
        lambda: tar_of(
            member(),
            pax(GNU_sparse_size=str(HUGE), GNU_sparse_numblocks="1", GNU_sparse_map="0,1"),
            member("hole", b"x"),
        ),
        "is not a regular file|damaged",
    ),
    "sparse_by_newer_pax": (
        lambda: tar_of(
            member(),
            pax(GNU_sparse_major="1", GNU_sparse_minor="0", GNU_sparse_realsize=str(HUGE)),
            member("hole", b"1\n0\n1\n" + bytes(BLOCK)),
        ),
        "is not a regular file|damaged",
    ),
    "sparse_without_end": (
        lambda: tar_of(
            member(),
            pax(GNU_sparse_major="1", GNU_sparse_minor="0"),
            member("hole", b"9" * 400 + b"\n" * 112),
        ),
        "is not a regular file|damaged",
    ),
    "size_by_pax": (lambda: tar_of(pax(size=str(HUGE)), member()), "damaged"),
    "negative_size_by_pax": (lambda: tar_of(member(), pax(size="-512"), member("x")), "damaged"),
    "size_that_is_no_number": (lambda: tar_of(member(size=b"eleven bytes")), "damaged"),
    "size_of_64_bits": (
        lambda: tar_of(member(size=b"\x80\0\0\0" + struct.pack(">Q", HUGE))),
        "damaged",
    ),
    "negative_size": (
        lambda: tar_of(member(), member("x", size=b"\xff" * 12)),
        "damaged",
    ),
    "larger_than_it_is": (lambda: tar_of(member(size=b"00000100000\0")), "damaged"),
    "headers_of_80_megabytes": (
        lambda: tar_of(pax(comment=bytes(80 * MEGABYTE)), member()),
        "more than 50 MB|too much memory",
    ),
    "a_thousand_headers": (
        lambda: tar_of(*[pax(comment="x")] * 1000, member()),
        "damaged",
    ),
    "a_thousand_long_names": (lambda: tar_of(*[long_name("x")] * 1000, member()), "damaged"),
    "header_of_nothing": (
        lambda: tar_of(member("pax", b"", tarfile.XHDTYPE), end=b""),
        "empty|dam",
    ),
    "header_that_lies": (
        lambda: tar_of(member("pax", b"999 path=x\n", tarfile.XHDTYPE), member()),
        "damaged|contains control characters",
    ),
    "header_without_length": (
        lambda: tar_of(member("pax", b"0 path=x\n", tarfile.XHDTYPE), member()),
        "damaged",
    ),
    "wrong_checksum": (lambda: tar_of(member(checksum=b"000000\0 ")), "damaged"),
    "wrong_checksum_later": (
        lambda: tar_of(member(), member("data", checksum=b"000000\0 ")),
        "damaged",
    ),
    "noise_after_its_files": (lambda: tar_of(member(), end=b"noise" * 1000), "damaged"),
    "many_folders": (
        lambda: tar_of(member(), *(directory(f"{n}") for n in range(MANY))),
        f"more than {MAX_MEMBERS} entries",
    ),
    "many_left_out": (
        lambda: tar_of(member(), *[member("__MACOSX/x")] * MANY),
        f"more than {MAX_MEMBERS} entries",
    ),
    "many_of_one_megabyte": (
        lambda: tar_of(member(), *(member(f"{n}", bytes(MEGABYTE)) for n in range(50))),
        "more than 50 MB",
    ),
    "empty": (lambda: tar_of(), "is empty"),
    "only_folders": (lambda: tar_of(directory("main.py")), "is empty"),
    "cut_within_a_file": (
        lambda: tar_of(member("main.py", AGENT * 100)[:900], end=b""),
        "damaged",
    ),
    "cut_within_a_header": (lambda: tar_of(member(), member("x")[:100], end=b""), "damaged"),
    "cut_gzip": (lambda: tar_of(member("main.py", os.urandom(5000)))[:3000], "damaged"),
    "wrong_sum_of_gzip": (
        lambda: gzip.compress(member(), mtime=0)[:-8] + bytes(8),
        "damaged",
    ),
    "unknown_packing_of_gzip": (lambda: b"\x1f\x8b\x09" + tar_of(member())[3:], "damaged"),
    "gzip_of_gzip": (lambda: gzip.compress(tar_of(member())), "damaged"),
    "gzip_of_words": (lambda: gzip.compress(AGENT), "damaged"),
    "gzip_of_nothing": (lambda: gzip.compress(b""), "damaged|empty"),
    "zip_archive": (lambda: zip_of("main.py"), "damaged"),
    "tar_alone": (lambda: gzip.decompress(tar_of(member())), "damaged"),
    "bzip2": (lambda: bz2.compress(gzip.decompress(tar_of(member()))), "damaged"),
    "xz": (lambda: lzma.compress(gzip.decompress(tar_of(member()))), "damaged"),
}
