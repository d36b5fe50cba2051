"""Credentials: SSH keys, passwords, TSIG keys, signing keys, certificates and checksums."""

from __future__ import annotations

import base64
import json
from typing import Annotated

from cryptography.x509 import load_pem_x509_certificates

from common.keys import DNS_KEY_BYTES, bare_public_key, public_key_of
from common.settings.constraints import Text, matching
from common.settings.networks import WEB_URL
from common.settings.secret import Secret

PublicKey = Annotated[
    str,
    Text(
        allowed="an SSH public key that begins with 'ssh-ed25519 '",
        accepts=lambda value: bool(bare_public_key(value)),
        from_file=True,
    ),
]
PrivateKey = Annotated[
    Secret,
    Text(
        allowed="an Ed25519 private key in OpenSSH's format, without a passphrase",
        accepts=lambda value: bool(public_key_of(value)),
        # The engine drops the last line's end from standard input; OpenSSH does not read a key without it.
        normalized=lambda value: value.rstrip("\n") + "\n",
        from_file=True,
    ),
]
Password = Annotated[
    Secret,
    matching(
        "a password of 12 to 128 printable ASCII characters on one line, without a space at either end",
        r"[!-~][ -~]{10,126}[!-~]",
    ),
]
"""For what is handed over as a whole: as a file, in JSON or by an API. Some readers take spaces at the ends away."""
UnquotedPassword = Annotated[
    Secret, matching("a password of 12 to 128 letters, digits, '-', '.', '_' and '~'", r"[A-Za-z0-9._~-]{12,128}")
]
"""For what ends up in a file whose syntax would take it apart: nginx' list of users (`:`), Fluentd's configuration
(a quote, `#`, and Ruby in it), Grafana's, which looks for variables (`$`, `%`) in what a variable gave."""
UnquotedKey = Annotated[
    Secret,
    matching("a key of 12 to 512 letters, digits, '-', '.', '_', '~', '+', '/' and '='", r"[A-Za-z0-9._~+/=-]{12,512}"),
]
"""For what somebody else made up, perhaps in base64, and what Grafana's or Loki's configuration would take apart."""
DnsKey = Annotated[
    Secret,
    Text(
        allowed=f"{DNS_KEY_BYTES} bytes in base64 (a TSIG key for HMAC-SHA256)",
        accepts=lambda value: len(base64.b64decode(value, validate=True)) == DNS_KEY_BYTES,
    ),
]
RegistryConfig = Annotated[
    Secret,
    Text(
        allowed="Docker's config.json with a registry's login, as text",
        accepts=lambda value: isinstance(json.loads(value), dict),
        from_file=True,
    ),
]
SigningKey = Annotated[
    Secret,
    Text(
        allowed="cosign's private key, a text that begins with '-----BEGIN ENCRYPTED'",
        accepts=lambda value: value.startswith("-----BEGIN ENCRYPTED"),
        from_file=True,
    ),
]
SecretUrl = Annotated[Secret, WEB_URL]
Certificates = Annotated[
    str,
    Text(
        allowed="one or more X.509 certificates in PEM, such as a private authority's root",
        accepts=lambda value: bool(load_pem_x509_certificates(value.encode())),
        from_file=True,
    ),
]
Sha256 = Annotated[str, matching("a SHA-256 of 64 hexadecimal digits in small letters", r"[0-9a-f]{64}")]
