"""The records of the game's zone: one type of value for each kind, checked before bind9 sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, Final

import pulumi

from common.kinds import LONGEST_NAME
from gamemaster.remote import Host

TTL = 60
"""Seconds a record may be kept by resolvers: how long players wait at most when a board is swapped."""
LONGEST_STRING = 255
"""Bytes of one string of a TXT record (RFC 1035, section 3.3); a longer text is several of them."""

# With the underscore of `_acme-challenge` and the like (RFC 8552).
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


class RecordError(pulumi.RunError):
    """A record cannot be what the program says; the text names it, the value and what is allowed."""


@dataclass(frozen=True)
class A:
    """An IPv4 address."""

    kind: ClassVar = "A"
    address: pulumi.Input[str]

    @property
    def data(self) -> pulumi.Input[str]:
        """What it says, in zone-file notation."""
        return _checked(self.address, lambda text: str(IPv4Address(text)), "an IPv4 address")


@dataclass(frozen=True)
class AAAA:
    """An IPv6 address."""

    kind: ClassVar = "AAAA"
    address: pulumi.Input[str]

    @property
    def data(self) -> pulumi.Input[str]:
        """What it says, in zone-file notation."""
        return _checked(self.address, lambda text: str(IPv6Address(text)), "an IPv6 address")


@dataclass(frozen=True)
class CNAME:
    """Another name for the same; a name that has one has no other records."""

    kind: ClassVar = "CNAME"
    target: pulumi.Input[str]
    """Full name."""

    @property
    def data(self) -> pulumi.Input[str]:
        """What it says, in zone-file notation."""
        return _checked(self.target, _full, _A_NAME)


@dataclass(frozen=True)
class TXT:
    """Any text without line breaks and other controls, in ASCII."""

    kind: ClassVar = "TXT"
    text: pulumi.Input[str]

    @property
    def data(self) -> pulumi.Input[str]:
        """What it says, in zone-file notation."""
        return _checked(self.text, _quoted, "a text of printable ASCII characters")


@dataclass(frozen=True)
class MX:
    """Who takes the name's mail; of several, the one with the lowest preference first."""

    kind: ClassVar = "MX"
    preference: int
    exchange: pulumi.Input[str]
    """Full name."""

    @property
    def data(self) -> pulumi.Input[str]:
        """What it says, in zone-file notation."""
        preference = _checked(str(self.preference), _within(0xFFFF), "a preference from 0 to 65535")
        return pulumi.Output.concat(preference, " ", _checked(self.exchange, _full, _A_NAME))


@dataclass(frozen=True)
class CAA:
    """Which authority may certify the name and what lies below it (RFC 8659)."""

    kind: ClassVar = "CAA"
    tag: str
    """issue, issuewild or iodef."""
    value: pulumi.Input[str]
    """Name of the authority; `;` for none; of iodef, where it may complain to."""
    critical: bool = False
    """Whether an authority that does not know the tag must refuse."""

    @property
    def data(self) -> pulumi.Input[str]:
        """What it says, in zone-file notation."""
        tag = _checked(self.tag, _one_of("issue", "issuewild", "iodef"), "one of issue, issuewild, iodef")
        value = _checked(self.value, _quoted, "a text of printable ASCII characters")
        return pulumi.Output.concat("128 " if self.critical else "0 ", tag, " ", value)


Data = A | AAAA | CNAME | TXT | MX | CAA


@dataclass(frozen=True, kw_only=True)
class RecordArgs:
    """One set of records: all with the same name and kind.

    Raises RecordError if one of them cannot be; a value that is known later is checked then.
    """

    host: Host
    zone: pulumi.Input[str]
    """The zone that holds it, as NameServer gives it."""
    label: str
    """Name below the zone (`play`; `*.blue` for all names there that have no records), or `@` for the zone itself."""
    data: Sequence[Data]
    """What the records say."""
    ttl: int = TTL
    """Seconds."""

    def __post_init__(self) -> None:
        _check(self.label, self.data)

    @property
    def kind(self) -> str:
        """A, TXT, …"""
        return self.data[0].kind


class Record(pulumi.ComponentResource):
    """A set of records in the game's zone, put right when it was changed, taken out again when it is deleted."""

    fqdn: pulumi.Output[str]
    """The full name, without the final dot."""

    def __init__(self, name: str, args: RecordArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("shambhala:gamemaster:Record", name, None, opts)
        zone = pulumi.Output.from_input(args.zone)
        self.fqdn = zone.apply(lambda zone: zone if args.label == "@" else f"{args.label}.{zone}")
        args.host.step(
            f"{name}-update",
            "record",
            {
                "zone": zone,
                "name": self.fqdn.apply(lambda fqdn: f"{fqdn}."),
                "type": args.kind,
                "ttl": str(args.ttl),
                "data": pulumi.Output.all(*(each.data for each in args.data)).apply(
                    lambda lines: "\n".join(map(str, lines))
                ),
            },
            parent=self,
            undo="record-remove",
            about=[args.label, args.kind],
        )
        self.register_outputs({"fqdn": self.fqdn})


def _check(label: str, data: Sequence[Data]) -> None:
    """Raises RecordError if these do not go together, or not with their name, or if one of them cannot be."""
    kinds = {each.kind for each in data}
    if len(kinds) != 1:
        held = ", ".join(sorted(kinds)) or "nothing"
        raise RecordError(f"The name {label!r} is given {held} at once; it must be records of one kind.")
    below = label.removeprefix("*.")
    if label not in {"*", "@"} and not all(map(_LABEL.fullmatch, below.split("."))):
        raise RecordError(
            f"A record is called {label!r}; it must be '@', or DNS labels in small letters, the first of which may be "
            "'*'."
        )
    if kinds == {"CNAME"} and (label == "@" or len(data) != 1):
        raise RecordError(f"The name {label!r} is given CNAMEs; it may have one, and the zone itself none.")
    for each in data:
        _ = each.data


def _checked(value: pulumi.Input[str], read: Callable[[str], str], allowed: str) -> pulumi.Input[str]:
    """The value as `read` writes it: now if it is known, else once it is. Raises RecordError."""

    def check(text: str) -> str:
        try:
            return read(text)
        except ValueError as error:
            raise RecordError(f"{text!r} is no value for a record; it must be {allowed}.") from error

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
