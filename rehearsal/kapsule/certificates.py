"""The certificate authority and the keys of one control plane."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

_VALID = dt.timedelta(days=365)
_SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


@dataclass(frozen=True)
class Certificates:
    """Files of one control plane's certificates and keys."""

    authority: Path
    server: Path
    server_key: Path
    accounts_key: Path
    """Signs service-account tokens."""
    accounts_public: Path
    """Verifies them."""


def provide(folder: Path, names: Sequence[str]) -> Certificates:
    """The certificates in a folder, made when they are not there.

    names: DNS names and IP addresses of the API server, beside Kubernetes' own.
    """
    files = Certificates(
        authority=folder / "ca.crt",
        server=folder / "server.crt",
        server_key=folder / "server.key",
        accounts_key=folder / "accounts.key",
        accounts_public=folder / "accounts.pub",
    )
    if not files.accounts_public.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(files, names)
    return files


def _make(files: Certificates, names: Sequence[str]) -> None:
    authority_key, server_key, accounts_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rehearsal-kapsule-ca")])
    authority = (
        _builder(issuer, issuer, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    server = (
        _builder(subject, issuer, server_key.public_key())
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in (*_SERVICE_NAMES, *names)]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(files.authority, authority.public_bytes(Encoding.PEM))
    _write(files.server, server.public_bytes(Encoding.PEM))
    _write(files.server_key, _private(server_key))
    _write(files.accounts_key, _private(accounts_key))
    # Last, for its presence says that all of them are there.
    public = accounts_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write(files.accounts_public, public)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # A guest's clock may lag a little behind.
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _VALID)
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(file: Path, content: bytes) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
