"""Game master: its Instance, SSH host key, TSIG key and certificates."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, Literal

from common.keys import bare_public_key, public_key_of
from common.settings.constraints import Flag, whole_number
from common.settings.credentials import DnsKey, PrivateKey, PublicKey
from common.settings.names import Email
from common.settings.networks import Subnet
from common.settings.object_storage import ObjectStorage
from common.settings.rules import Conflict, rule
from common.settings.scaleway import InstanceType
from common.settings.section import Section


class HostKey(Section):
    """SSH host key of the game master, given at first boot so that it is known before the first connection."""

    public: PublicKey
    """Public half of the SSH host key, which clients must find."""
    private: PrivateKey
    """Private half of the SSH host key."""

    @rule
    def keys_match(self) -> Generator[Conflict]:
        if public_key_of(self.private.value) != bare_public_key(self.public):
            yield Conflict("private", None, "must be the private half of gamemaster.hostKey.public")


class GameMaster(Section):
    """Game master: the Instance with the DNS server, nginx and Rancher."""

    type: InstanceType
    """Commercial type of the Instance, such as PLAY2-MICRO."""
    image: Literal["debian_trixie"] = "debian_trixie"
    """Label of the Instance's image; the set-up is written for Debian 13."""
    volume_size_gb: Annotated[int, whole_number(10, 10_000, "GB")] = 20
    """Size of the root volume, in gigabytes of 10^9 bytes."""
    volume_type: Literal["sbs_volume", "l_ssd"] = "sbs_volume"
    """Type of the root volume: block storage (sbs_volume) or a disk of the hypervisor (l_ssd)."""
    subnet: Subnet
    """IPv4 network (CIDR) of the game master's private network."""
    host_key: HostKey
    """SSH host key of the game master."""
    dns_update_key: DnsKey
    """TSIG key (HMAC-SHA256, base64) that may change the game's DNS zone."""
    boot_timeout_seconds: Annotated[int, whole_number(30, 3600, "seconds")] = 300
    """Timeout, in seconds, for the Instance's boot until SSH answers and cloud-init is done."""
    allow_replacement: Flag = False
    """Whether the Instance and its network, once made, may be replaced."""
    backup_bucket: ObjectStorage | None = None
    """Bucket for a copy of every nightly backup; without one, the backups lie on the Instance alone."""


class Certificates(Section):
    """Certificates of the game master, from an ACME authority."""

    authority: Literal["production", "staging", "none"] = "production"
    """ACME authority: Let's Encrypt (production), Let's Encrypt's staging for trials, or none: the game master then
    serves DNS only, no web page."""
    email: Email | None = None
    """E-mail address of the ACME account, for the authority's notices."""
    delegation_timeout_seconds: Annotated[int, whole_number(0, 86_400, "seconds")] = 600
    """Timeout, in seconds, for the parent domain's delegation to the game master, before certificates are asked for;
    0 does not wait."""
