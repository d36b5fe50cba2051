"""Key of cosign, encrypted as `cosign generate-key-pair` encrypts it.

The text is PEM around JSON that names its own parameters: the key (ECDSA P-256, PKCS #8 in DER) is in a NaCl secretbox,
whose key scrypt makes of the password. Sources: pkg/cosign/keys.go of github.com/sigstore/cosign and encrypted/ of
github.com/secure-systems-lab/go-securesystemslib.
"""

from __future__ import annotations

import base64
import json
import secrets
import textwrap
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.secret import SecretBox

LABEL: Final = "ENCRYPTED SIGSTORE PRIVATE KEY"
SALT_BYTES: Final = 32
COST: Final = {"N": 65536, "r": 8, "p": 1}
"""Cosign's own parameters of scrypt: each guess at the password takes a quarter of a second and 64 MiB."""


def signing_key(password: str) -> str:
    """A new private key for cosign under a password; `cosign public-key --key FILE` tells its public half."""
    key = generate_private_key(SECP256R1()).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt = secrets.token_bytes(SALT_BYTES)
    scrypt = Scrypt(salt=salt, length=SecretBox.KEY_SIZE, n=COST["N"], r=COST["r"], p=COST["p"])
    box = SecretBox(scrypt.derive(password.encode())).encrypt(key)
    content = {
        "kdf": {"name": "scrypt", "params": COST, "salt": _base64(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _base64(box.nonce)},
        "ciphertext": _base64(box.ciphertext),
    }
    lines = textwrap.wrap(_base64(json.dumps(content, separators=(",", ":")).encode()), 64)
    return "\n".join((f"-----BEGIN {LABEL}-----", *lines, f"-----END {LABEL}-----", ""))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
