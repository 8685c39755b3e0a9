"""Hostile zip archives, and the words by which each must be refused."""

import struct

from evaluation.archive import MAX_MEMBERS
from tests.hostile.archives import (
    AGENT,
    MEGABYTE,
    STORED,
    Build,
    Entry,
    member,
    tar_of,
    zip64_of,
    zip_of,
)

MANY = MAX_MEMBERS + 1
HUGE = 1 << 40

ZIPS: dict[str, tuple[Build, str]] = {
    "nul": (lambda: zip_of("main.py", Entry(b"a.py\0.txt")), "contains control characters"),
    "no_utf8": (lambda: zip_of("main.py", Entry(b"\xff\xfe.py")), "damaged"),
    "symbolic_link": (
        lambda: zip_of("main.py", Entry("evil", b"/etc/passwd", attributes=0o120777 << 16)),
        'The entry "evil" is not a regular file.',
    ),
    "link_to_main": (
        lambda: zip_of(Entry("main.py", b"/etc/passwd", attributes=0o120777 << 16)),
        'The entry "main.py" is not a regular file.',
    ),
    "device": (
        lambda: zip_of("main.py", Entry("evil", attributes=0o020666 << 16)),
        "is not a regular file",
    ),
    "pipe": (
        lambda: zip_of("main.py", Entry("evil", attributes=0o010666 << 16)),
        "is not a regular file",
    ),
    "socket": (
        lambda: zip_of("main.py", Entry("evil", attributes=0o140666 << 16)),
        "is not a regular file",
    ),
    "encrypted": (lambda: zip_of("main.py", Entry("evil", flags=0x801)), "is encrypted"),
    "strongly_encrypted": (lambda: zip_of("main.py", Entry("evil", flags=0x841)), "is encrypted"),
    "encrypted_directory": (lambda: zip_of("main.py", Entry("evil", flags=0x2841)), "encrypted"),
    **{
        f"method_{method}": (
            lambda method=method: zip_of("main.py", Entry("evil", method=method)),
            "is packed in a way other than deflate",
        )
        for method in (1, 6, 9, 12, 14, 93, 95, 98, 99)
    },
    "wrong_checksum": (lambda: zip_of(Entry("main.py", crc=7)), "damaged"),
    "larger_than_it_says": (
        lambda: zip_of("main.py", Entry("bomb", bytes(MEGABYTE), size=10)),
        "damaged",
    ),
    "packed_beyond_the_end": (
        lambda: zip_of(Entry("main.py", method=STORED, packed=10_000, size=10_000)),
        "damaged",
    ),
    "two_names": (lambda: zip_of(Entry("main.py", local_name=b"evil.py")), "damaged"),
    "no_data_for_an_entry": (lambda: zip_of("main.py", Entry("evil", offset=10_000)), "damaged"),
    "starts_before_its_file": (
        lambda: zip_of("main.py", Entry("evil", offset=2**32 - 1)),
        "damaged",
    ),
    "overlapping": (
        lambda: zip_of(
            Entry("kernel", bytes(MEGABYTE)),
            *(Entry(f"{n}", bytes(MEGABYTE), offset=0, local_name=b"kernel") for n in range(60)),
        ),
        "damaged|more than 50 MB",
    ),
    "overlapping_under_one_name": (
        lambda: zip_of(
            Entry("main.py", AGENT + bytes(MEGABYTE)),
            *(Entry("main.py", AGENT + bytes(MEGABYTE), offset=0) for _ in range(60)),
        ),
        "appears twice",
    ),
    "many_folders": (
        lambda: zip_of("main.py", *(Entry(f"{n}/", b"") for n in range(MANY))),
        f"more than {MAX_MEMBERS} entries",
    ),
    "ten_thousand_entries": (
        lambda: zip_of("main.py", *(Entry(f"{n}", b"", method=STORED) for n in range(10_000))),
        f"more than {MAX_MEMBERS} entries",
    ),
    "many_of_one_megabyte": (
        lambda: zip_of("main.py", *(Entry(f"{n}", bytes(MEGABYTE)) for n in range(50))),
        "more than 50 MB",
    ),
    "name_of_64_kilobytes": (
        lambda: zip_of("main.py", Entry("x" * 65_535)),
        "has a name that is too long",
    ),
    "64_bits_of_entries": (lambda: zip64_of("main.py", count=HUGE, offset=HUGE), "damaged"),
    "extra_field_cut_off": (
        lambda: zip_of(Entry("main.py", size=2**32 - 1, extra=struct.pack("<2HI", 1, 8, 7))),
        "damaged",
    ),
    "directory_elsewhere": (lambda: zip_of("main.py")[:-6] + b"\xff\xff\xff\x7f\0\0", "damaged"),
    "end_alone": (lambda: zip_of(), "is empty"),
    "only_folders": (lambda: zip_of(Entry("a/", b""), Entry("main.py/", b"")), "is empty"),
    "main_is_a_folder": (
        lambda: zip_of(Entry("main.py/", b""), Entry("main.py/__init__.py")),
        "no main.py at its top",
    ),
    "archive_in_an_archive": (
        lambda: zip_of(Entry("agent.zip", zip_of("main.py"))),
        "no main.py at its top",
    ),
    "source_with_nul": (lambda: zip_of(Entry("main.py", AGENT + b"\0")), "contains NUL bytes"),
    "source_of_spaces": (lambda: zip_of(Entry("main.py", b"\xef\xbb\xbf \n")), "source is empty"),
    "source_in_two_bytes": (
        lambda: zip_of(Entry("main.py", "gr\xfc\xdfe".encode("utf-16-le"))),
        "NUL|not UTF-8",
    ),
    "program": (lambda: zip_of(Entry("main.py", b"\x7fELF" + AGENT)), "is a compiled program"),
    "cut_in_its_directory": (lambda: zip_of("main.py", "a.py")[:-40], "damaged"),
    "tar_archive": (lambda: tar_of(member()), "damaged"),
    "noise": (lambda: bytes(range(256)) * 100, "damaged"),
}
