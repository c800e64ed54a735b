"""Certificates of an authority that nobody knows but who is given its file."""

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jimeng.documents import utcnow

SITES = [
    x509.DNSName("pictures.example"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
]


@dataclass(frozen=True)
class Authority:
    """A certificate for pictures.example and 127.0.0.1, and who has signed it."""

    folder: Path

    @property
    def bundle(self) -> str:
        return str(self.folder / "ca.pem")

    def server_side(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "site.pem", self.folder / "site.key")
        return context


def make_authority(folder: Path) -> Authority:
    own, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    signing = x509.KeyUsage(*[False] * 5, True, *[False] * 3)
    issuer = (
        builder("test-ca", own, "test-ca", is_authority=True)
        .add_extension(signing, critical=True)
        .sign(own, hashes.SHA256())
    )
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(own.public_key())
    site = (
        builder("pictures.example", key, "test-ca", is_authority=False)
        .add_extension(x509.SubjectAlternativeName(SITES), critical=False)
        .add_extension(signer, critical=False)
        .sign(own, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(issuer.public_bytes(pem))
    (folder / "site.pem").write_bytes(site.public_bytes(pem))
    (folder / "site.key").write_bytes(key.private_bytes(pem, *plain))
    return Authority(folder)


def builder(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, *, is_authority: bool
) -> x509.CertificateBuilder:
    """Of a certificate that is good from yesterday until tomorrow."""
    subject_name, issuer_name = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        for name in (subject, issuer)
    )
    public, day = key.public_key(), timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject_name)
        .issuer_name(issuer_name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(utcnow() - day)
        .not_valid_after(utcnow() + day)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    )
