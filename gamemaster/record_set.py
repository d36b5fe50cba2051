"""Resource record sets of the game's zone: one class for each record type, checked before bind9 sees a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, Final

import pulumi

from common.settings.names import LONGEST_NAME
from gamemaster.ssh_steps import Host

TTL = 60
"""Seconds for which resolvers keep a record: how long players wait at most when a board is swapped."""
LONGEST_STRING = 255
"""Bytes of one string of a TXT record (RFC 1035, section 3.3); a longer text is split into several strings."""

# With the underscore of `_acme-challenge` and the like (RFC 8552).
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class RecordError(pulumi.RunError):
    """A record is not valid; the text names the record, the value and what is allowed."""


@dataclass(frozen=True)
class A:
    """An IPv4 address."""

    type: ClassVar = "A"
    address: pulumi.Input[str]

    @property
    def data(self) -> pulumi.Input[str]:
        """The record's data, in zone-file notation."""
        return _checked(self.address, lambda text: str(IPv4Address(text)), "an IPv4 address")


@dataclass(frozen=True)
class AAAA:
    """An IPv6 address."""

    type: ClassVar = "AAAA"
    address: pulumi.Input[str]

    @property
    def data(self) -> pulumi.Input[str]:
        """The record's data, in zone-file notation."""
        return _checked(self.address, lambda text: str(IPv6Address(text)), "an IPv6 address")


@dataclass(frozen=True)
class CNAME:
    """An alias of another name; a name with a CNAME record has no other records."""

    type: ClassVar = "CNAME"
    target: pulumi.Input[str]
    """Full name."""

    @property
    def data(self) -> pulumi.Input[str]:
        """The record's data, in zone-file notation."""
        return _checked(self.target, _full, _A_NAME)


@dataclass(frozen=True)
class TXT:
    """A text in printable ASCII."""

    type: ClassVar = "TXT"
    text: pulumi.Input[str]

    @property
    def data(self) -> pulumi.Input[str]:
        """The record's data, in zone-file notation."""
        return _checked(self.text, _quoted, "a text of printable ASCII characters")


@dataclass(frozen=True)
class MX:
    """A mail server of the name; of several, the one with the lowest preference comes first."""

    type: ClassVar = "MX"
    preference: int
    exchange: pulumi.Input[str]
    """Full name."""

    @property
    def data(self) -> pulumi.Input[str]:
        """The record's data, in zone-file notation."""
        preference = _checked(str(self.preference), _within(0xFFFF), "a preference from 0 to 65535")
        return pulumi.Output.concat(preference, " ", _checked(self.exchange, _full, _A_NAME))


@dataclass(frozen=True)
class CAA:
    """A certificate authority that may issue certificates for the name and the names below it (RFC 8659)."""

    type: ClassVar = "CAA"
    tag: str
    """issue, issuewild or iodef."""
    value: pulumi.Input[str]
    """Name of the authority; `;` for none; with iodef, a URL for reports of violations."""
    critical: bool = False
    """Whether an authority that does not know the tag must issue nothing."""

    @property
    def data(self) -> pulumi.Input[str]:
        """The record's data, in zone-file notation."""
        tag = _checked(self.tag, _one_of("issue", "issuewild", "iodef"), "one of issue, issuewild, iodef")
        value = _checked(self.value, _quoted, "a text of printable ASCII characters")
        return pulumi.Output.concat("128 " if self.critical else "0 ", tag, " ", value)


Record = A | AAAA | CNAME | TXT | MX | CAA


@dataclass(frozen=True, kw_only=True)
class RecordSetArgs:
    """Arguments of a record set: all records have the same name and type.

    Raises RecordError if a record is not valid; a value that is known later is checked then.
    """

    host: Host
    zone: pulumi.Input[str]
    """The game's zone, as Bind9 gives it."""
    label: str
    """Name below the zone (`play`; `*.blue` for all names there that have no records), or `@` for the zone itself."""
    records: Sequence[Record]
    ttl: int = TTL
    """Seconds."""

    def __post_init__(self) -> None:
        _check(self.label, self.records)

    @property
    def type(self) -> str:
        """A, TXT, …"""
        return self.records[0].type


class RecordSet(pulumi.ComponentResource):
    """A record set in the game's zone, restored when somebody changed it by hand, removed when it is deleted."""

    fqdn: pulumi.Output[str]
    """The full name, without the final dot."""

    def __init__(self, name: str, args: RecordSetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:RecordSet", name, None, opts)
        zone = pulumi.Output.from_input(args.zone)
        self.fqdn = zone.apply(lambda zone: zone if args.label == "@" else f"{args.label}.{zone}")
        args.host.run_script(
            f"{name}-nsupdate",
            "record-set",
            {
                "zone": zone,
                "name": self.fqdn.apply(lambda fqdn: f"{fqdn}."),
                "type": args.type,
                "ttl": str(args.ttl),
                "data": pulumi.Output.all(*(each.data for each in args.records)).apply(
                    lambda lines: "\n".join(map(str, lines))
                ),
            },
            parent=self,
            delete="record-set-delete",
            triggers=[args.label, args.type],
        )
        self.register_outputs({"fqdn": self.fqdn})


def _check(label: str, records: Sequence[Record]) -> None:
    """Raises RecordError if the records are of several types, do not fit their name, or if one is not valid."""
    types = {each.type for each in records}
    if len(types) != 1:
        held = ", ".join(sorted(types)) or "no records"
        raise RecordError(f"The name {label!r} is given {held}; a record set has records of one type.")
    below = label.removeprefix("*.")
    if label not in {"*", "@"} and not all(map(_LABEL.fullmatch, below.split("."))):
        raise RecordError(
            f"A record set is called {label!r}; the name must be '@', or DNS labels in small letters, of which the "
            "first may be '*'."
        )
    if types == {"CNAME"} and (label == "@" or len(records) != 1):
        raise RecordError(f"The name {label!r} is given CNAME records; a name may have one, and the zone itself none.")
    for each in records:
        _ = each.data


def _checked(value: pulumi.Input[str], read: Callable[[str], str], allowed: str) -> pulumi.Input[str]:
    """The value as `read` writes it: now if the value is known, otherwise once it is. Raises RecordError."""

    def check(text: str) -> str:
        try:
            return read(text)
        except ValueError as error:
            raise RecordError(f"{text!r} is no value for a record; the value must be {allowed}.") from error

    return check(value) if isinstance(value, str) else pulumi.Output.from_input(value).apply(check)


_A_NAME: Final = "a full domain name in small letters, such as 'mail.example.org'"


def _full(text: str) -> str:
    name = text.removesuffix(".")
    if len(name) > LONGEST_NAME or not all(map(_LABEL.fullmatch, name.split("."))) or "." not in name:
        raise ValueError
    return f"{name}."


def _quoted(text: str) -> str:
    if not text or not (text.isascii() and text.isprintable()):
        raise ValueError
    parts = [text[start : start + LONGEST_STRING] for start in range(0, len(text), LONGEST_STRING)]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts)


def _within(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 0 <= int(text) <= most:
            raise ValueError
        return text

    return read


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return read
