"""Samples among the settings: names and networks that documents use, and that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Final

from cli.stack import Leaf, Tree, leaves
from common.settings import Settings
from common.settings.schema import schema_of

NAMES: Final = re.compile(
    r"(?:^|[^a-z0-9-])(?:example\.(?:com|net|org)|(?:[a-z0-9-]+\.)+(?:example|invalid|test))(?![a-z0-9.-])"
)
"""Names that RFC 2606 (sections 2 and 3) keeps for documents and tests, alone or at the end of longer ones."""
NETWORKS: Final = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
"""Networks that RFC 5737 keeps for documents."""


def samples(tree: Tree) -> Sequence[Leaf]:
    """The values that are still samples. Secrets are not looked at."""
    return [each for each in leaves(tree, schema=schema_of(Settings)) if not each.secret and _is_sample(each.text)]


def _is_sample(text: str) -> bool:
    return NAMES.search(text.lower()) is not None or any(map(_in_a_document, re.findall(r"[0-9./]+", text)))


def _in_a_document(text: str) -> bool:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        return False
    return any(network.subnet_of(each) for each in NETWORKS)
