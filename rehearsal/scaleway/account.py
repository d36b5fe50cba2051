"""What the stand-in's organization may do: its key's end and rights, its quotas, and what is in stock.

By default the key belongs to the organization's owner, never ends, and everything is in stock. A test takes some of
that away, outside Scaleway's paths (X-Auth-Token as everywhere; 400 says what is wrong with a body):

PUT    /rehearsal/account  {"expires_at": "2026-01-01T00:00:00Z"}           the key's end; one that is over is refused
PUT    /rehearsal/account  {"permission_sets": ["InstancesFullAccess", …]}  the key is an application's that has these
PUT    /rehearsal/account  {"quotas": {"cp_servers_type_PRO2_XXS": 1}}      another limit; -1 for no such quota
PUT    /rehearsal/account  {"stock": {"PRO2-XXS": "shortage"}}              available, scarce or shortage
PUT    /rehearsal/account  {"unpriced": ["/k8s/"]}                          rows that the price list lacks, by their SKU
DELETE /rehearsal/account  as at the start

Several in one body work together; what a body leaves out is as at the start. Nothing of it is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

STOCK = ("available", "scarce", "shortage")
_READ_ONLY = "ReadOnly"
_FULL = "FullAccess"
_PERMISSIONS: Mapping[str, str] = {
    "/instance/": "Instances",
    "/block/": "BlockStorage",
    "/ipam/": "IPAM",
    "/k8s/": "Kubernetes",
    "/lb/": "LoadBalancers",
    "/vpc-gw/": "VPCGateway",
    "/domain/": "DomainsDNS",
    "/registry/": "ContainerRegistry",
    "/iam/v1alpha1/ssh-keys": "SSHKeys",
}
"""Begin of a path to the product's name in the permission sets that open it.

Source: https://www.scaleway.com/en/docs/iam/reference-content/permission-sets/
"""
_ADMINISTRATION: Mapping[str, tuple[str, ...]] = {
    "/iam/v1alpha1/quota": ("OrganizationReadOnly", "OrganizationManager"),
    "/iam/v1alpha1/policies": ("IAMReadOnly", "IAMManager", "IAMPolicyManager", "IAMPolicyReadOnly"),
    "/iam/v1alpha1/rules": ("IAMReadOnly", "IAMManager", "IAMPolicyManager", "IAMPolicyReadOnly"),
    "/iam/v1alpha1/users": ("IAMReadOnly", "IAMManager"),
    "/iam/v1alpha1/groups": ("IAMReadOnly", "IAMManager"),
    "/iam/v1alpha1/applications": (
        "IAMReadOnly",
        "IAMManager",
        "IAMApplicationReadOnly",
        "IAMApplicationManager",
    ),
}
"""Begin of a path that reads the organization's own matters to the permission sets that open it."""


@dataclass
class Account:
    """The key's and the organization's state; the defaults are those at the start."""

    expires_at: str | None = None
    permission_sets: list[str] | None = None
    """None: the key is the owner's, who may do everything."""
    quotas: dict[str, int] = field(default_factory=dict[str, int])
    stock: dict[str, str] = field(default_factory=dict[str, str])
    unpriced: list[str] = field(default_factory=list[str])

    def become(self, other: Account) -> None:
        """Take another's state: every product holds this one."""
        for each in fields(self):
            setattr(self, each.name, getattr(other, each.name))

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and datetime.fromisoformat(self.expires_at) <= datetime.now(UTC)

    def missing(self, method: str, path: str) -> str | None:
        """The permission set without which the key may not ask that; None where it may."""
        if self.permission_sets is None:
            return None
        has = set(self.permission_sets)
        for begin, names in _ADMINISTRATION.items():
            if path.startswith(begin):
                return None if has & set(names) else names[0]
        product = _product(path)
        if product is None:
            return None
        reading = method in {"GET", "HEAD"}
        opens = {f"{product}{_FULL}", f"AllProducts{_FULL}"}
        if reading:
            opens |= {f"{product}{_READ_ONLY}", f"AllProducts{_READ_ONLY}"}
        return None if has & opens else f"{product}{_READ_ONLY if reading else _FULL}"


def _product(path: str) -> str | None:
    if path.startswith("/vpc/"):
        return "PrivateNetworks" if "/private-networks" in path else "VPC"
    return next((name for begin, name in _PERMISSIONS.items() if path.startswith(begin)), None)
