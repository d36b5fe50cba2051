"""What the stand-in's Scaleway has on offer: Kubernetes versions, images and types of Instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rehearsal.scaleway.records import Record

GB = 1_000_000_000
GIB = 2**30
HOURS_A_MONTH = 730


@dataclass(frozen=True)
class ServerType:
    """A commercial type."""

    name: str
    cores: int
    memory: int
    """GiB."""
    local_storage: int
    """Largest total of local volumes in GB; 0: block storage only."""
    bandwidth: int
    """Mbit/s."""
    block_bandwidth: int
    """MiB/s."""
    hourly_price: float
    """Euros, as listed in July 2026; for the field's sake, not for accounting."""

    def view(self) -> Record:
        """The type as `products/servers` shows it."""
        local = self.local_storage * GB
        speed = self.bandwidth * 1_000_000
        each = {"min_size": GB, "max_size": 800 * GB} if local else {"min_size": 0, "max_size": 0}
        return {
            "alt_names": [],
            "arch": "x86_64",
            "ncpus": self.cores,
            "ram": self.memory * GIB,
            "gpu": 0,
            "gpu_info": None,
            "mig_profile": None,
            "volumes_constraint": {"min_size": 0, "max_size": local},
            "per_volume_constraint": {"l_ssd": each},
            "scratch_storage_max_size": 0,
            "scratch_storage_max_volumes_count": 0,
            "monthly_price": round(self.hourly_price * HOURS_A_MONTH, 5),
            "hourly_price": self.hourly_price,
            "capabilities": {
                "boot_types": ["local", "rescue"],
                "placement_groups": True,
                "block_storage": True,
                "hot_snapshots_local_volume": bool(local),
                "private_network": 8,
                "max_file_systems": 0,
            },
            "network": {
                "ipv6_support": True,
                "sum_internal_bandwidth": speed,
                "sum_internet_bandwidth": speed,
                "interfaces": [{"internal_bandwidth": speed, "internet_bandwidth": speed}],
            },
            "block_bandwidth": self.block_bandwidth * 2**20,
            "end_of_service": False,
        }


SERVER_TYPES = {
    kind.name: kind
    for kind in (
        ServerType("STARDUST1-S", 1, 1, 10, 100, 50, 0.0006),
        ServerType("DEV1-S", 2, 2, 20, 200, 100, 0.008976),
        ServerType("DEV1-M", 3, 4, 40, 300, 150, 0.020196),
        ServerType("DEV1-L", 4, 8, 80, 400, 200, 0.04284),
        ServerType("DEV1-XL", 4, 12, 120, 500, 250, 0.065076),
        ServerType("GP1-XS", 4, 16, 150, 500, 300, 0.09282),
        ServerType("GP1-S", 8, 32, 300, 800, 500, 0.19074),
        ServerType("GP1-M", 16, 64, 600, 1500, 800, 0.38352),
        ServerType("PLAY2-PICO", 1, 2, 0, 100, 40, 0.01428),
        ServerType("PLAY2-NANO", 2, 4, 0, 200, 80, 0.02754),
        ServerType("PLAY2-MICRO", 4, 8, 0, 400, 160, 0.05508),
        ServerType("PRO2-XXS", 2, 8, 0, 350, 125, 0.0561),
        ServerType("PRO2-XS", 4, 16, 0, 700, 250, 0.1122),
        ServerType("PRO2-S", 8, 32, 0, 1500, 500, 0.22338),
        ServerType("PRO2-M", 16, 64, 0, 3000, 1000, 0.44676),
        ServerType("PRO2-L", 32, 128, 0, 6000, 2000, 0.89454),
        ServerType("POP2-2C-8G", 2, 8, 0, 400, 400, 0.0735),
        ServerType("POP2-HM-2C-16G", 2, 16, 0, 400, 400, 0.103),
        ServerType("POP2-4C-16G", 4, 16, 0, 800, 800, 0.147),
        ServerType("POP2-8C-32G", 8, 32, 0, 1600, 1600, 0.29),
    )
}


@dataclass(frozen=True)
class Catalogue:
    """What differs between a rehearsal and a test."""

    kubernetes: tuple[str, ...] = ("1.36.3", "1.35.7", "1.34.10")
    """Versions that Kapsule offers, newest first. The control plane behind it is the first, whichever is chosen."""
    images: Mapping[str, str] = field(default_factory=lambda: {"debian_trixie": "Debian Trixie"})
    """Labels of Instance images and their names. A machine runs Debian 13, so nothing else is offered."""
    domains: tuple[str, ...] = ("example.org",)
    """Domains of the project; their zones are there before anybody makes one."""
