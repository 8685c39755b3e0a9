"""Replays: as bytes, in their public form, in words and as a page; and played again."""

from evaluation.rendering import page as html
from evaluation.rendering import summary
from evaluation.replay.difference import Difference
from evaluation.replay.packing import from_bytes, to_bytes, unpack
from evaluation.replay.public import strip_private
from evaluation.replay.verification import verify, verify_file

__all__ = [
    "Difference",
    "from_bytes",
    "html",
    "strip_private",
    "summary",
    "to_bytes",
    "unpack",
    "verify",
    "verify_file",
]
