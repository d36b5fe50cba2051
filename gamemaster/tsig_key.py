"""TSIG key of a board, with which cert-manager writes the TXT records of its ACME challenges."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from common.keys import derived_dns_key
from common.outputs import known_after
from common.settings import GameMaster
from gamemaster.host_files import rendered
from gamemaster.ssh_steps import Host


@dataclass(frozen=True)
class _Key:
    name: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class TsigKeyArgs:
    """Arguments of a board's key."""

    host: Host
    zone: pulumi.Input[str]
    """The game's zone, as Bind9 gives it."""
    board: str
    settings: GameMaster
    """The section with the secret that every board's key is derived from."""


class TsigKey(pulumi.ComponentResource):
    """A TSIG key (HMAC-SHA256) that may write TXT records of one board's names, until the key is deleted.

    The key's name is the board's own, <board>.<zone>, which bind9's update policy `selfsub` grants by: a further board
    changes nothing of bind9's other configuration.
    """

    name: pulumi.Output[str]
    secret: pulumi.Output[str]
    """In base64; known once bind9 accepts the key."""

    def __init__(self, name: str, args: TsigKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:TsigKey", name, None, opts)
        self.name = pulumi.Output.concat(args.board, ".", args.zone)
        # Derived, so that one board's key tells nothing about another's and a new board needs no new setting.
        secret = args.settings.dns_update_key.output.apply(lambda master: derived_dns_key(master, args.board))
        script = args.host.run_script(
            f"{name}-setup",
            "tsig-key",
            {
                "board": args.board,
                "name": self.name,
                "tsig.key": pulumi.Output.all(self.name, secret).apply(
                    lambda key: rendered("tsig.key.j2", _Key(name=str(key[0]), secret=str(key[1])))
                ),
            },
            parent=self,
            delete="tsig-key-delete",
        )
        self.secret = pulumi.Output.secret(known_after(secret, script.stdout))
        self.register_outputs({"name": self.name})
