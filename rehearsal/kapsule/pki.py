"""The authorities, certificates and keys of one control plane.

Two authorities: one for the Kubernetes API and its callers, one for etcd alone, so that nobody but
the API server can open etcd. Their own keys are thrown away once everything has been signed.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = dt.timedelta(days=365)
_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(frozen=True)
class Identity:
    """Files of one certificate and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """Where the files of one control plane lie; all are readable by their owner only."""

    folder: Path

    @property
    def authority(self) -> Path:
        """Signs the API server and its callers."""
        return self.folder / "ca.crt"

    @property
    def etcd_authority(self) -> Path:
        """Signs etcd and its one caller."""
        return self.folder / "etcd-ca.crt"

    @property
    def accounts_key(self) -> Path:
        """Signs service-account tokens."""
        return self.folder / "accounts.key"

    @property
    def accounts_public(self) -> Path:
        """Verifies service-account tokens."""
        return self.folder / "accounts.pub"

    def of(self, program: str) -> Identity:
        """The identity of a program, such as kube-scheduler."""
        return Identity(self.folder / f"{program}.crt", self.folder / f"{program}.key")


def provide(folder: Path, address: str, names: Sequence[str]) -> Certificates:
    """The certificates in a folder, made when they are not there.

    address: where the API server and etcd listen.
    names: further DNS names and IP addresses by which the API server is called.
    """
    if not folder.exists():
        # Made beside and moved as a whole: a crash leaves no half-made set behind.
        fresh = folder.with_name(f"{folder.name}.fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        _make(Certificates(fresh), address, names)
        fresh.rename(folder)
    return Certificates(folder)


def _make(files: Certificates, address: str, names: Sequence[str]) -> None:
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    kubernetes = _Authority("rehearsal-kapsule-ca", files.authority)
    kubernetes.issue(files.of("kube-apiserver"), "kube-apiserver", names=[address, "localhost", *service, *names])
    # Kubernetes binds its own roles to these two names.
    for program in ("kube-controller-manager", "kube-scheduler"):
        kubernetes.issue(files.of(program), f"system:{program}")
    kubernetes.issue(files.of("kwok"), "kwok", organization="system:masters")
    etcd = _Authority("rehearsal-kapsule-etcd-ca", files.etcd_authority)
    etcd.issue(files.of("etcd"), "etcd", names=[address])
    etcd.issue(files.of("etcd-client"), "kube-apiserver")
    accounts = ec.generate_private_key(ec.SECP256R1())
    write_private(files.accounts_key, _private(accounts))
    write_private(
        files.accounts_public, accounts.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


class _Authority:
    """A certificate authority that lives as long as this object."""

    def __init__(self, name: str, file: Path) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _subject(name)
        certificate = (
            _builder(self._name, self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        write_private(file, certificate.public_bytes(Encoding.PEM))

    def issue(
        self, identity: Identity, common_name: str, *, organization: str | None = None, names: Sequence[str] = ()
    ) -> None:
        """Write a new key and its certificate: whom it stands for, and what it is called by."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_subject(common_name, organization), self._name, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        if names:
            called = x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(names)])
            builder = builder.add_extension(called, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        write_private(identity.certificate, certificate.public_bytes(Encoding.PEM))
        write_private(identity.key, _private(key))


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # The clock may be set back a little between two starts.
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _VALID)
    )


def _subject(common_name: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(file: Path, content: bytes) -> None:
    """Write a file that nobody but its owner can read, also while it is being written."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
