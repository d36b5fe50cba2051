"""Where an environment's things are at Scaleway, and what is known of each that stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scaleway import Client

from cli.scaleway_client import client
from common.settings import ZONES, Settings


@dataclass(frozen=True)
class Account:
    """Where an environment's things are looked for."""

    client: Client
    region: str
    project: str
    domain: str
    """The parent domain of the game's names."""
    subdomain: str
    organization: str | None = None
    """Needed for IAM; the settings need not name it."""

    @classmethod
    def of(cls, settings: Settings) -> Account:
        """The account that an environment's settings name."""
        at = settings.scaleway
        return cls(client(at), at.region, at.project_id, settings.domain, settings.subdomain, at.organization_id)

    @property
    def zones(self) -> Sequence[str]:
        """Every zone of the region: a pool, and with it the volumes of claims, may have one of its own."""
        return [zone for zone in ZONES if zone.startswith(f"{self.region}-")]


@dataclass(frozen=True)
class Item:
    """One thing that stands at Scaleway."""

    id: str
    """As the provider writes it: with the zone of what has one, else with the region."""
    name: str
    tags: frozenset[str]
    place: str
    """Zone or region; empty for what has neither."""
    parts_of: Sequence[str] = ()
    """Bare ids of what it belongs to, such as the Instance of an address."""
    inputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the program gave it and nothing else has, for what bears no tags."""
    automatic: bool = False
    """Whether Scaleway makes it by itself for each project."""
    type: str = ""
    """Commercial type, where it has one."""
    gigabytes: int = 0
    """Size of what is billed by its size, in 10^9 bytes."""

    @property
    def bare_id(self) -> str:
        """The id without zone or region."""
        return self.id.rpartition("/")[2]
