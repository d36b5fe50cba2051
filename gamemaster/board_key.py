"""The key with which a board proves its names: derived, and installed at bind9 by a step of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pulumi

from common.keys import derived_dns_key
from common.templates import render
from gamemaster.remote import Host

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class _Key:
    name: str
    secret: str


@dataclass(frozen=True, kw_only=True)
class BoardKeyArgs:
    """Whose key, and where it counts."""

    host: Host
    zone: pulumi.Input[str]
    """The game's zone, as NameServer gives it."""
    board: str
    master: pulumi.Input[str]
    """Secret (base64, 32 bytes) that every board's key is derived from."""


class BoardKey(pulumi.ComponentResource):
    """A TSIG key (HMAC-SHA256) that may write TXT records of one board's names, until it is deleted.

    Its name is the board's own, <board>.<zone>, for bind9's policy `selfsub` grants by it: a further board changes
    nothing of what bind9 was told before.
    """

    name: pulumi.Output[str]
    secret: pulumi.Output[str]
    """In base64; known once bind9 takes it."""

    def __init__(self, name: str, args: BoardKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:BoardKey", name, None, opts)
        self.name = pulumi.Output.concat(args.board, ".", args.zone)
        # Derived, so that one board's key tells nothing about another's and a new board needs no new setting.
        secret = pulumi.Output.secret(args.master).apply(lambda master: derived_dns_key(master, args.board))
        step = args.host.step(
            f"{name}-bind9",
            "board-key",
            {
                "board": args.board,
                "name": self.name,
                "board.key": pulumi.Output.all(self.name, secret).apply(
                    lambda key: render(_TEMPLATES / "board.key.j2", _Key(name=str(key[0]), secret=str(key[1])))
                ),
            },
            parent=self,
            undo="board-key-remove",
        )
        self.secret = pulumi.Output.secret(pulumi.Output.all(secret, step.stdout).apply(lambda values: str(values[0])))
        self.register_outputs({"name": self.name})
