"""Certificates made on the fly: an authority, and server contexts that are right or wrong."""

import datetime
import functools
import ipaddress
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from evaluation import channel

HOST = "agent.example"
DAY = datetime.timedelta(days=1)
Key = ec.EllipticCurvePrivateKey


class Authority:
    """Issues certificates; signs its own."""

    def __init__(self, name: str = "Authority of the tests") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self.key, self.name, [], 0, 2, is_authority=True)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def context(self, *names: str, first_day: int = -1, last_day: int = 1) -> ssl.SSLContext:
        """Of a server with a certificate for these names, valid between two days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        signed = self._signed(key, subject, names, first_day, last_day)
        return context_of(key, signed)

    def own_context(self) -> ssl.SSLContext:
        """Of a server that shows the authority's own certificate."""
        return context_of(self.key, self.certificate)

    def _signed(
        self,
        key: Key,
        subject: x509.Name,
        names: tuple[str, ...] | list[str],
        first_day: int,
        last_day: int,
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + first_day * DAY - DAY / 24)
            .not_valid_after(now + last_day * DAY)
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(_usage(is_authority), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general(name) for name in names]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())


def context_of(key: Key, certificate: x509.Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.flush()
        context.load_cert_chain(file.name)
    return context


def _usage(is_authority: bool) -> x509.KeyUsage:
    """Without which Python 3.13 takes no certificate."""
    none = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"], False,
    )  # fmt: skip
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        **none,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@functools.cache
def trusted() -> Authority:
    return Authority()


@contextmanager
def trust(authority: Authority) -> Iterator[None]:
    """As an organiser trusts an authority of his own: by SSL_CERT_FILE."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        file = Path(folder) / "authority.pem"
        file.write_bytes(authority.pem)
        patch.setenv("SSL_CERT_FILE", str(file))
        channel._tls_context.cache_clear()
        try:
            yield
        finally:
            channel._tls_context.cache_clear()
