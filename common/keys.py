"""Keys and passwords that a new environment needs, made on the operator's own machine."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

DNS_KEY_BYTES: Final = 32
"""Length of the TSIG key: that of an HMAC-SHA256 digest, as RFC 2104 (section 3) advises."""


@dataclass(frozen=True)
class KeyPair:
    """An Ed25519 key pair in OpenSSH's formats."""

    public: str
    private: str = field(repr=False)


def key_pair() -> KeyPair:
    """A new SSH key pair."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    return KeyPair(public=_line(key.public_key()), private=private)


def dns_key() -> str:
    """A new TSIG key, in base64 as bind9 and nsupdate read it."""
    return base64.b64encode(secrets.token_bytes(DNS_KEY_BYTES)).decode()


def derived_dns_key(master: str, purpose: str) -> str:
    """A TSIG key of its own for a purpose, in base64; who has it learns nothing of the master or of other purposes."""
    return base64.b64encode(hmac.digest(master.encode(), f"tsig:{purpose}".encode(), "sha256")).decode()


def password() -> str:
    """A new password of 32 characters that need no quoting in a shell, a URL or YAML."""
    return secrets.token_urlsafe(24)


def public_key_of(private: str) -> str:
    """The public half of an OpenSSH private key. Raises ValueError unless it is a plain Ed25519 key."""
    try:
        key = load_ssh_private_key(private.encode(), password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("the private key has a passphrase, or is of a kind that is not supported") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the private key is not an Ed25519 key")
    return _line(key.public_key())


def bare_public_key(public: str) -> str:
    """An OpenSSH public key without its comment. Raises ValueError unless it is one Ed25519 key."""
    try:
        key = load_ssh_public_key(public.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("the public key is of a kind that is not supported") from error
    if not isinstance(key, Ed25519PublicKey) or "\n" in public.strip():
        raise ValueError("the public key is not one Ed25519 key")
    return _line(key)


def _line(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def derived(master: str, purpose: str) -> str:
    """A secret of 64 hexadecimal digits for one purpose, out of a master key in base64.

    One key for many purposes is HMAC-SHA256's own use (RFC 5869, section 2.3): a derived secret says nothing about
    the master key or about another one.
    """
    return hmac.digest(base64.b64decode(master), b"shambhala\0" + purpose.encode(), "sha256").hex()
