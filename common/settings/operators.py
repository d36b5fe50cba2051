"""Operators, who run the game, and players: their networks and SSH keys."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

from common.keys import bare_public_key, public_key_of
from common.settings.constraints import AT_LEAST_ONE
from common.settings.credentials import PrivateKey, PublicKey
from common.settings.networks import Cidr
from common.settings.rules import Conflict, rule
from common.settings.section import Section


class Operators(Section):
    """Operators: their networks and their SSH key."""

    cidrs: Annotated[tuple[Cidr, ...], AT_LEAST_ONE]
    """IPv4 networks from which SSH (port 22) of the game master can be reached."""
    ssh_public_key: PublicKey
    """SSH public key with which the game master lets root in."""
    ssh_private_key: PrivateKey
    """SSH private key of operators.sshPublicKey, with which the program sets up the game master."""

    @rule
    def keys_match(self) -> Generator[Conflict]:
        if public_key_of(self.ssh_private_key.value) != bare_public_key(self.ssh_public_key):
            yield Conflict("sshPrivateKey", None, "must be the private half of operators.sshPublicKey")


class Players(Section):
    """Players: the networks of their own machines."""

    cidrs: tuple[Cidr, ...] = ()
    """IPv4 networks from which the players' kubectl reaches every board's Kubernetes API, once teams play, beside the
    operators' boards.NAME.apiCidrs. Without any, steps that need kubectl, such as the last one of the example
    hunt, cannot be done from the players' machines."""
