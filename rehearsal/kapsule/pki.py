"""Authorities, certificates and keys of one control plane.

Two authorities: one for the Kubernetes API and its callers, one for etcd alone, so that nobody but
the API server can open etcd. The key of the first is kept, for nodes come later; etcd's is thrown away.
Certificates are as RFC 5280 wants them, for Python 3.13 refuses others (ssl.VERIFY_X509_STRICT).
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
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
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
    def authority_key(self) -> Path:
        """Signs the certificates of nodes that come later."""
        return self.folder / "ca.key"

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


def service_address(service_cidr: str) -> str:
    """Address of the Service `kubernetes`: the first of the range, 10.32.0.1 at Kapsule."""
    return str(ipaddress.ip_network(service_cidr)[1])


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
    kubernetes = _Authority.new("rehearsal-kapsule-ca", files.authority)
    write_private(files.authority_key, _private(kubernetes.key))
    kubernetes.issue(files.of("kube-apiserver"), "kube-apiserver", names=[address, "localhost", *service, *names])
    # Kubernetes binds its own roles to these two names.
    for program in ("kube-controller-manager", "kube-scheduler", "kube-proxy"):
        kubernetes.issue(files.of(program), f"system:{program}")
    kubernetes.issue(files.of("kube-network-policies"), "kube-network-policies")
    for program in ("kwok", "kubelet-client"):
        kubernetes.issue(files.of(program), program, organization="system:masters")
    etcd = _Authority.new("rehearsal-kapsule-etcd-ca", files.etcd_authority)
    etcd.issue(files.of("etcd"), "etcd", names=[address])
    etcd.issue(files.of("etcd-client"), "kube-apiserver")
    accounts = ec.generate_private_key(ec.SECP256R1())
    write_private(files.accounts_key, _private(accounts))
    write_private(
        files.accounts_public, accounts.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )


def issue_to_node(files: Certificates, node: str) -> Identity:
    """Certificate of a kubelet, by which the API knows the node of that name; issued anew at each call.

    Source: https://kubernetes.io/docs/reference/access-authn-authz/node/
    """
    identity = files.of(f"node-{node}")
    _Authority.read(files).issue(identity, f"system:node:{node}", organization="system:nodes")
    return identity


class _Authority:
    """Certificate authority."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, name: x509.Name) -> None:
        self.key = key
        self._name = name

    @classmethod
    def new(cls, name: str, file: Path) -> _Authority:
        """An authority that lives as long as this object, with its certificate in a file."""
        authority = cls(ec.generate_private_key(ec.SECP256R1()), _subject(name))
        certificate = (
            authority.builder(authority._name, authority.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(authority.key, hashes.SHA256())
        )
        write_private(file, certificate.public_bytes(Encoding.PEM))
        return authority

    @classmethod
    def read(cls, files: Certificates) -> _Authority:
        """The authority of the Kubernetes API, from its files."""
        key = load_pem_private_key(files.authority_key.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 (written above)
        return cls(key, x509.load_pem_x509_certificate(files.authority.read_bytes()).subject)

    def issue(
        self, identity: Identity, common_name: str, *, organization: str | None = None, names: Sequence[str] = ()
    ) -> None:
        """Write a new key and its certificate: whom it stands for, and what it is called by."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            self.builder(_subject(common_name, organization), key.public_key())
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        )
        if names:
            called = x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(names)])
            builder = builder.add_extension(called, critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        write_private(identity.certificate, certificate.public_bytes(Encoding.PEM))
        write_private(identity.key, _private(key))

    def builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        """What every certificate of this authority has."""
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            # The clock may be set back a little between two starts.
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
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
