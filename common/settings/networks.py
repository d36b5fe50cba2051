"""Networks and URLs."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Final
from urllib.parse import urlsplit

from common.settings.constraints import Text

PRIVATE_RANGES: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
EVERYWHERE: Final = "0.0.0.0/0"
KAPSULE_SERVICES: Final = "10.32.0.0/20"
"""Addresses of a Kapsule cluster's Services, inside a range that subnets may be taken from.

Source: https://www.scaleway.com/en/docs/kubernetes/reference-content/kubernetes-network-ranges/ (the default).
"""

K3S_PODS: Final = "10.42.0.0/16"
K3S_SERVICES: Final = "10.43.0.0/16"
"""Addresses of pods and Services of the game master's K3s: the defaults.

Source: https://docs.k3s.io/cli/server (`cluster-cidr`, `service-cidr`).
"""


def _network(accepts: Callable[[IPv4Network], bool]) -> Callable[[str], bool]:
    def accepted(value: str) -> bool:
        # A bare address would count as /32: whoever meant a network must not get one machine unnoticed.
        return value.partition("/")[2].isdigit() and accepts(IPv4Network(value))

    return accepted


Cidr = Annotated[
    str,
    Text(
        allowed="an IPv4 network with its prefix and no host bits set, such as '203.0.113.0/24'",
        accepts=_network(lambda _: True),
    ),
]
Subnet = Annotated[
    str,
    Text(
        allowed="a private IPv4 network (in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16) from /20 to /29, such as "
        "'10.0.0.0/24'",
        accepts=_network(
            lambda network: (
                20 <= network.prefixlen <= 29 and any(network.subnet_of(private) for private in PRIVATE_RANGES)
            )
        ),
    ),
]


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


_NO_SECRETS: Final = "without user name, password, query or fragment"
WEB_URL: Final = Text(allowed=f"an https:// URL (http:// on loopback only) {_NO_SECRETS}", accepts=_reachable("https"))
WebUrl = Annotated[str, WEB_URL]
# Debian signs its packages, so a mirror needs no TLS; most offer none.
DebianUrl = Annotated[
    str, Text(allowed=f"an https:// or http:// URL {_NO_SECRETS}", accepts=_reachable("https", "http"))
]
ChartUrl = Annotated[
    str,
    Text(
        allowed=f"an https:// or oci:// URL (http:// on loopback only) {_NO_SECRETS}",
        accepts=_reachable("https", "oci"),
    ),
]
