"""Scaleway's permission sets: what the program's API key must be allowed, for each part of an environment.

Names, scopes and contents: https://www.scaleway.com/en/docs/iam/reference-content/permission-sets/
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from common.settings import Settings


class Scope(StrEnum):
    """What a permission set is granted for."""

    PROJECT = "project"
    """The project that the environment stands in."""
    ORGANIZATION = "organization"
    """The organisation of that project, which is where IAM's own objects belong."""


@dataclass(frozen=True)
class PermissionSet:
    """One permission set, and why it is asked for."""

    name: str
    """Scaleway's name, such as InstancesFullAccess."""
    purpose: str
    """What the program does with it, for a person who is to grant it."""
    scope: Scope = Scope.PROJECT


class Feature(StrEnum):
    """A part of an environment that needs permissions of its own."""

    GAME_MASTER = "game master"
    DELEGATION = "delegation by Scaleway DNS"
    BOARDS = "boards"
    PUBLIC_GATEWAY = "boards whose nodes have no public address"
    REGISTRY = "container registry of the program's own"


PERMISSION_SETS: Final[Mapping[Feature, tuple[PermissionSet, ...]]] = {
    Feature.GAME_MASTER: (
        PermissionSet("InstancesFullAccess", "its Instance, address and security group"),
        PermissionSet("BlockStorageFullAccess", "its root volume"),
        PermissionSet("VPCFullAccess", "the game's VPC"),
        PermissionSet("PrivateNetworksFullAccess", "private networks of the game master and of each board"),
        # The provider asks IPAM for the private addresses of an Instance and of a network.
        PermissionSet("IPAMReadOnly", "the private addresses there"),
    ),
    Feature.DELEGATION: (PermissionSet("DomainsDNSFullAccess", "the records of the delegation in the parent zone"),),
    Feature.BOARDS: (
        PermissionSet("KubernetesFullAccess", "each board's cluster and pools"),
        PermissionSet("LoadBalancersFullAccess", "the reserved address of each board"),
    ),
    Feature.PUBLIC_GATEWAY: (PermissionSet("VPCGatewayFullAccess", "the Public Gateway and its address"),),
    Feature.REGISTRY: (
        PermissionSet("ContainerRegistryFullAccess", "the namespace for the components' images"),
        # IAMManager holds both, and much else. Whoever may write policies may still grant himself anything.
        PermissionSet("IAMApplicationManager", "the registry's application and its API key", Scope.ORGANIZATION),
        PermissionSet("IAMPolicyManager", "the policy that lets it into this project's registry", Scope.ORGANIZATION),
    ),
}
"""What each part needs; for the key's own expiry and rights to be looked up, IAMReadOnly comes on top."""


def features(settings: Settings) -> Generator[Feature]:
    """The parts that an environment's settings ask for."""
    yield Feature.GAME_MASTER
    if settings.parent_zone == "scaleway":
        yield Feature.DELEGATION
    yield Feature.BOARDS
    if not all(pool.public_ip for board in settings.boards.values() for pool in board.pools.values()):
        yield Feature.PUBLIC_GATEWAY
    if settings.delivery.makes_a_registry:
        yield Feature.REGISTRY
