"""Signs what agents behind URLs are asked, so that they know who asks.

Standard Webhooks (https://www.standardwebhooks.com) in its asymmetric form, Ed25519. The identifier
of each message ends in a digest of the URL that is asked: nobody who gets a signed request for his
agent can pass it on to another's.
"""

import base64
import binascii
import functools
import hashlib
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_FILE = "signing.key"  # in the league's data folder
SECRET, PUBLIC, VERSION = "whsk_", "whpk_", "v1a,"
SEED_BYTES = 32
TOLERANCE_S = 300


class SignatureError(Exception):
    """Why a request is not taken for the league's, in one sentence."""


@dataclass(frozen=True)
class SigningKey:
    """The private key of one installation. cryptography is imported at its first use."""

    seed: bytes = field(repr=False)

    @classmethod
    def load_or_create(cls, path: Path) -> "SigningKey":
        """The key in the file, made if there is none. Raises ValueError if it holds no key."""
        if not path.exists():
            _create(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
        seed = _decoded(text, SECRET)
        if len(seed) != SEED_BYTES:
            raise ValueError(f"{path.name} holds no signing key: restore it, or delete it.")
        return cls(seed)

    @functools.cached_property
    def public(self) -> str:
        """What agents verify with: `whpk_<base64>`."""
        return PUBLIC + base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def signer(self, url: str) -> Callable[[bytes], dict[str, str]]:
        """Gives the headers for a body that is sent to this URL."""
        return functools.partial(self.sign, url)

    def sign(self, url: str, body: bytes) -> dict[str, str]:
        identifier = f"msg_{secrets.token_hex(12)}_{audience(url)}"
        timestamp = str(int(time.time()))
        signature = self._private.sign(_content(identifier, timestamp, body))
        return {
            "webhook-id": identifier,
            "webhook-timestamp": timestamp,
            "webhook-signature": VERSION + base64.b64encode(signature).decode(),
        }

    @functools.cached_property
    def _private(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.seed)


def audience(url: str) -> str:
    """What the identifier of a message to this URL ends in."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def verify(
    public: str, url: str, headers: Mapping[str, str], body: bytes, now: float | None = None
) -> None:
    """Raises SignatureError unless the holder of the key has asked this, here and just now.

    url: as it was submitted. headers: with names in lower case. now: seconds since the epoch.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    identifier, timestamp, signature = (
        headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not timestamp.isdecimal() or abs(int(timestamp) - (now or time.time())) > TOLERANCE_S:
        raise SignatureError("The request is not from the last five minutes.")
    if not identifier.endswith(f"_{audience(url)}"):
        raise SignatureError("The request was meant for another URL.")
    key = Ed25519PublicKey.from_public_bytes(_decoded(public, PUBLIC))
    try:
        key.verify(_decoded(signature, VERSION), _content(identifier, timestamp, body))
    except InvalidSignature:
        raise SignatureError("The signature is not that of the key.") from None


def _content(identifier: str, timestamp: str, body: bytes) -> bytes:
    return f"{identifier}.{timestamp}.".encode() + body


def _decoded(text: str, prefix: str) -> bytes:
    """What the base64 behind the prefix stands for; nothing where that is not its form."""
    with suppress(binascii.Error, ValueError):
        if text.startswith(prefix):
            return base64.b64decode(text.removeprefix(prefix), validate=True)
    return b""


def _create(path: Path) -> None:
    """A link appears whole or not at all: of two processes that start at once, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(SECRET.encode() + base64.b64encode(secrets.token_bytes(SEED_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
