"""Settings that a new environment begins with: the usual choices, and new keys and passwords."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Final, Literal, cast

from cli.init.setting_problems import refusals
from cli.init.trees import found, merged, planted
from cli.stack import Tree
from common.keys import dns_key, key_pair, password
from common.settings import Settings
from common.settings.schema import schema_of
from common.signing import signing_key

Part = Literal["platform", "teams"]
PLATFORM: Final = "platform"
TEAMS: Final = "teams"
"""Parts of the game: the platform alone, or with source control, delivery and teams."""


def choices(environment: str) -> Tree:
    """The usual choices, for every setting that has one."""
    return {
        "environment": environment,
        "scaleway": {"region": "fr-par", "zone": "fr-par-1"},
        "gamemaster": {"type": "PLAY2-MICRO", "subnet": "10.20.0.0/24"},
        "boards": {
            "blue": {
                "kubernetesVersion": "1.36",
                "subnet": "10.21.0.0/22",
                "pools": {"main": {"nodeType": "PRO2-XXS", "size": 2}},
                "autoUpgrade": {"day": "tuesday", "startHour": 3},
            }
        },
        "activeBoard": "blue",
    }


def _key_pair() -> Sequence[str]:
    pair = key_pair()
    return pair.public, pair.private


def _signing() -> Sequence[str]:
    own = password()
    return own, signing_key(own)


Maker = Callable[[], Sequence[str]]
PLATFORM_SECRETS: Final[Sequence[tuple[Sequence[str], Maker]]] = (
    (("operators.sshPublicKey", "operators.sshPrivateKey"), _key_pair),
    (("gamemaster.hostKey.public", "gamemaster.hostKey.private"), _key_pair),
    (("gamemaster.dnsUpdateKey",), lambda: (dns_key(),)),
    (("rancher.bootstrapPassword",), lambda: (password(),)),
    (("rancher.adminPassword",), lambda: (password(),)),
    (("observability.grafanaAdminPassword",), lambda: (password(),)),
    (("observability.lokiPassword",), lambda: (password(),)),
)
"""What can be made: the settings that belong together, and what makes their values."""
DELIVERY_SECRETS: Final[Sequence[tuple[Sequence[str], Maker]]] = (
    (("delivery.masterKey",), lambda: (dns_key(),)),
    (("delivery.signingPassword", "delivery.signingKey"), _signing),
)
MADE: Final = frozenset(path for paths, _ in (*PLATFORM_SECRETS, *DELIVERY_SECRETS) for path in paths)


def is_new(existing: Tree) -> bool:
    """Whether nothing that can be made was made yet."""
    return not any(found(existing, path) for paths, _ in PLATFORM_SECRETS for path in paths)


def new_secrets(existing: Tree, *, delivery: bool) -> Tree:
    """New keys and passwords where there are none. Half a pair stays half: another one's half would not fit."""
    tree: Tree = {}
    for paths, make in (*PLATFORM_SECRETS, *(DELIVERY_SECRETS if delivery else ())):
        if all(found(existing, path) is None for path in paths):
            for path, value in zip(paths, make(), strict=True):
                tree = merged(tree, planted(path, value))
    return tree


def completed(existing: Tree, environment: str, part: Part = PLATFORM) -> Tree:
    """The existing settings with all that they lack and that can be known or made; boards are never mixed."""
    begin = choices(environment)
    if "boards" in existing:
        # Another board beside the operator's own would be raised, and billed.
        del begin["boards"], begin["activeBoard"]
    # With its key, delivery is raised, so it is made only where somebody wants it.
    delivery = part == TEAMS or bool(existing.get("delivery") or existing.get("teams"))
    wanted = merged(merged(new_secrets(existing, delivery=delivery), begin), copy.deepcopy(existing))
    operators = found(wanted, "operators.cidrs")
    boards = wanted["boards"]
    if not refusals(schema_of(Settings).at("operators.cidrs"), operators) and isinstance(boards, dict):
        for board in cast("Tree", boards).values():
            if isinstance(board, dict):
                cast("Tree", board).setdefault("apiCidrs", operators)
    return wanted
