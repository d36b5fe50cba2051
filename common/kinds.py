"""What the game's settings may be: names, networks, addresses on the web, keys and Scaleway's own words."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Final
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificates

from common.fields import Kind, MapOf, RefusedError
from common.keys import DNS_KEY_BYTES, bare_public_key, public_key_of
from common.plain import Plain, one_of, secret, text
from common.problems import Place, closest
from common.versions import CHARTS, NEWEST_KUBERNETES, OLDEST_KUBERNETES

LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LONGEST_LABEL: Final = 63
LONGEST_NAME: Final = 253
"""Characters of a domain name (RFC 1035, section 2.3.4, without the final dot)."""
PRIVATE_RANGES: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
NOT_FOR_POOLS: Final = re.compile(r"DEV1-S|PLAY2-PICO|STARDUST.*")
"""Instance types with too little memory for a node; Kapsule refuses them."""
NODE_TYPES: Final[Mapping[str, str]] = {
    "BASIC2": r"A(2C-[48]G|4C-(8|16)G|8C-(16|32)G|16C-(32|64)G)",
    "COPARM1": r"(2C-8G|4C-16G|8C-32G|16C-64G|32C-128G)",
    "DEV1": r"(M|L|XL)",
    "ENT1": r"(XXS|XS|S|M|L|XL|2XL)",
    "GP1": r"(XS|S|M|L|XL)",
    "PLAY2": r"(NANO|MICRO)",
    "POP2": r"(HC-|HM-)?(2|4|8|16|32|48|64)C-\d+G",
    "PRO2": r"(XXS|XS|S|M|L)",
}
"""Families of Instances that Kapsule takes for nodes of a game, each with its sizes.

Source: https://www.scaleway.com/en/docs/instances/reference-content/instances-datasheet/
"""


def matching(allowed: str, pattern: str) -> Plain[str]:
    """Text that a pattern describes from end to end."""
    compiled = re.compile(pattern)
    return text(allowed, lambda value: compiled.fullmatch(value) is not None)


def _names(value: str) -> bool:
    return len(value) <= LONGEST_NAME and all(LABEL.fullmatch(label) for label in value.split("."))


label: Final = text(
    "a DNS label: small letters, digits and hyphens, at most 63, with a letter or digit at both ends",
    lambda value: LABEL.fullmatch(value) is not None,
)
component: Final = text(
    "a component's name: at most 50 small letters, digits and hyphens, with a letter or digit at both ends; not "
    "'denied', where unknown builds end, and not beginning with 'team-', as the teams' repositories do",
    lambda value: (
        LABEL.fullmatch(value) is not None and len(value) <= 50 and value != "denied" and not value.startswith("team-")
    ),
)
labels: Final = text("one or more DNS labels with dots between them, such as 'hunt'", _names)
domain: Final = text(
    "a domain name of two labels or more in small letters, such as 'example.org'",
    lambda value: _names(value) and "." in value and not value.rpartition(".")[2].isdigit(),
)


def _network(accepts: Callable[[IPv4Network], bool]) -> Callable[[str], bool]:
    def accepted(value: str) -> bool:
        # A bare address would count as /32: whoever meant a network must not get one machine unnoticed.
        return value.partition("/")[2].isdigit() and accepts(IPv4Network(value))

    return accepted


cidr: Final = text(
    "an IPv4 network with its prefix and no host bits set, such as '203.0.113.0/24'", _network(lambda _: True)
)
subnet: Final = text(
    "a private IPv4 network (in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16) from /20 to /29, such as '10.0.0.0/24'",
    _network(
        lambda network: 20 <= network.prefixlen <= 29 and any(network.subnet_of(private) for private in PRIVATE_RANGES)
    ),
)


KAPSULE_SERVICES: Final = "10.32.0.0/20"
"""Where a Kapsule cluster's Services have their addresses, inside a range that subnets may be taken from.

Source: https://www.scaleway.com/en/docs/kubernetes/reference-content/kubernetes-network-ranges/ (the default).
"""


def loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return IPv4Address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable(*schemes: str) -> Callable[[str], bool]:
    def accepted(value: str) -> bool:
        parts = urlsplit(value)
        plain = parts.username is None and not parts.query and not parts.fragment and not re.search(r"\s", value)
        # Reading the port checks that it is one.
        usable = bool(parts.hostname) and plain and parts.port != 0
        return usable and (parts.scheme in schemes or (parts.scheme == "http" and loopback(value)))

    return accepted


_NO_SECRETS_IN_URL: Final = "without user name, password, query or fragment"
web_url: Final = text(f"an https:// URL (http:// on loopback only) {_NO_SECRETS_IN_URL}", _reachable("https"))
# Debian signs its packages, so a mirror needs no TLS; most offer none.
debian_url: Final = text(f"an https:// or http:// URL {_NO_SECRETS_IN_URL}", _reachable("https", "http"))
chart_url: Final = text(
    f"an https:// or oci:// URL (http:// on loopback only) {_NO_SECRETS_IN_URL}", _reachable("https", "oci")
)


sha256: Final = matching("a SHA-256 of 64 hexadecimal digits in small letters", r"[0-9a-f]{64}")
certificates: Final = text(
    "one or more X.509 certificates in PEM, such as a private authority's root",
    lambda value: bool(load_pem_x509_certificates(value.encode())),
    from_file=True,
)
email: Final = matching("an e-mail address, such as 'operators@example.org'", r"[^@\s]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
mail_server: Final = matching(
    "a mail server and its port, such as 'smtp.example.org:587'", r"[a-z0-9-]+(\.[a-z0-9-]+)+:\d{2,5}"
)


class Overriding(MapOf[str]):
    """An object that replaces some of the values that known names have by default."""

    def __init__(self, defaults: Mapping[str, str], element: Kind[str]) -> None:
        super().__init__(one_of(tuple(defaults)), element)
        self._defaults = defaults

    def read(self, value: object, at: Place) -> Mapping[str, str]:
        return {**self._defaults, **super().read(value, at)}


identifier: Final = text(
    "a UUID, such as '11111111-2222-4333-8444-555555555555'", lambda value: str(uuid.UUID(value)) == value.lower()
)
access_key: Final = secret(matching("a Scaleway access key: SCW and 17 capital letters or digits", r"SCW[A-Z0-9]{17}"))
secret_key: Final = secret(text("a Scaleway secret key, which is a UUID", lambda value: bool(uuid.UUID(value))))
instance_type: Final = matching("an Instance type, such as 'PLAY2-MICRO'", r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")


def _is_node_type(name: str) -> bool:
    family, _, size = name.partition("-")
    return not NOT_FOR_POOLS.fullmatch(name) and bool(re.fullmatch(NODE_TYPES.get(family, "(?!)"), size))


def _node_type(value: object) -> str:
    found = instance_type.convert(value)
    if not _is_node_type(found):
        family, _, size = found.partition("-")
        meant = f"{closest(family, NODE_TYPES)}-{size}"
        raise RefusedError(f"must be {node_type.allowed}", meant=meant if _is_node_type(meant) else None)
    return found


node_type: Final = Plain(
    f"an Instance type that Kapsule takes for a node, such as 'DEV1-M', of the families {', '.join(NODE_TYPES)}; "
    "it refuses DEV1-S, PLAY2-PICO and STARDUST",
    _node_type,
)


def _minor(value: object) -> str:
    found = re.fullmatch(r"1\.([1-9][0-9]?)", value) if isinstance(value, str) else None
    if found is None or not OLDEST_KUBERNETES <= int(found[1]) <= NEWEST_KUBERNETES:
        raise RefusedError(f"must be {kubernetes_minor.allowed}")
    return found[0]


kubernetes_minor: Final = Plain(
    f"a minor version in quotes, from '1.{OLDEST_KUBERNETES}' to '1.{NEWEST_KUBERNETES}', "
    f"as Rancher {CHARTS['rancher'].version.rpartition('.')[0]} takes no other",
    _minor,
)


label_key: Final = matching(
    "a Kubernetes label key, such as 'role' or 'example.org/role'",
    r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
)
label_value: Final = matching(
    "a Kubernetes label value: at most 63 letters, digits, '.', '_' or '-', with a letter or digit at both ends",
    r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?",
)


public_key: Final = text(
    "an SSH public key that begins with 'ssh-ed25519 '",
    lambda value: bool(bare_public_key(value)),
    from_file=True,
)


def _private_key(value: object) -> str:
    found = _has_public_half.convert(value)
    # The engine drops the last line's end from standard input; OpenSSH does not read a key without it.
    return found.rstrip("\n") + "\n"


_has_public_half: Final = text(
    "an Ed25519 private key in OpenSSH's format, without a passphrase", lambda value: bool(public_key_of(value))
)
private_key: Final = secret(Plain(_has_public_half.allowed, _private_key, from_file=True))


password: Final = secret(
    matching(
        "a password of 12 to 128 printable ASCII characters on one line, without a space at either end",
        r"[!-~][ -~]{10,126}[!-~]",
    )
)
"""For what is handed over as a whole: as a file, in JSON or by an API. Some readers take spaces at the ends away."""
unquoted_password: Final = secret(
    matching("a password of 12 to 128 letters, digits, '-', '.', '_' and '~'", r"[A-Za-z0-9._~-]{12,128}")
)
"""For what ends up in a file whose syntax would take it apart: nginx' list of users (`:`), Fluentd's configuration
(a quote, `#`, and Ruby in it), Grafana's, which looks for variables (`$`, `%`) in what a variable gave."""
unquoted_key: Final = secret(
    matching("a key of 12 to 512 letters, digits, '-', '.', '_', '~', '+', '/' and '='", r"[A-Za-z0-9._~+/=-]{12,512}")
)
"""For what somebody else made up, perhaps in base64, and what Grafana's or Loki's configuration would take apart."""


def _dns_key(value: str) -> bool:
    return len(base64.b64decode(value, validate=True)) == DNS_KEY_BYTES


dns_key: Final = secret(text(f"{DNS_KEY_BYTES} bytes in base64 (a TSIG key for HMAC-SHA256)", _dns_key))


folder: Final = matching(
    "the name of a folder in the project's folder, such as 'hunts/autumn'",
    r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*",
)
image_folder: Final = matching(
    "a folder of a container registry, such as 'registry.example.org/game'",
    r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]+([._-][a-z0-9]+)*)+",
)
moment: Final = matching(
    "a moment in UTC, such as '2027-01-31T18:00:00Z'", r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ"
)
registry_config: Final = secret(
    text(
        "Docker's config.json with a registry's login, as text",
        lambda value: isinstance(json.loads(value), dict),
        from_file=True,
    )
)
signing_key: Final = secret(
    text(
        "cosign's private key, a text that begins with '-----BEGIN ENCRYPTED'",
        lambda value: value.startswith("-----BEGIN ENCRYPTED"),
        from_file=True,
    )
)
