"""Boards: Kapsule clusters, their pools and taints."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Annotated, Final, Literal

from common.settings.constraints import AT_LEAST_ONE, Flag, Text, whole_number
from common.settings.names import Label, LabelKey, LabelValue
from common.settings.networks import Cidr, Subnet
from common.settings.problems import closest
from common.settings.rules import Conflict, left_out, rule
from common.settings.scaleway import Zone
from common.settings.section import Section
from common.versions import CHARTS, NEWEST_KUBERNETES, OLDEST_KUBERNETES

REPELLING: Final = ("NoSchedule", "NoExecute")
"""Effects of a taint by which a node takes no pod that does not tolerate it."""
NOT_FOR_POOLS: Final = re.compile(r"DEV1-S|PLAY2-PICO|STARDUST.*")
"""Instance types with too little memory for a node; Kapsule refuses them."""
NODE_TYPES: Final[Mapping[str, str]] = {
    "BASIC2": r"A(2C-[48]G|4C-(8|16)G|8C-(16|32)G|16C-(32|64)G)",
    "COPARM1": r"(2C-8G|4C-16G|8C-32G|16C-64G|32C-128G)",
    "DEV1": r"(M|L|XL)",
    "ENT1": r"(XXS|XS|S|M|L|XL|2XL)",
    "GP1": r"(XS|S|M|L|XL)",
    "PLAY2": r"(NANO|MICRO)",
    "POP2": r"(HC-|HM-)?(2|4|8|16|32|48|64)C-\d+G",
    "PRO2": r"(XXS|XS|S|M|L)",
}
"""Families of Instances that Kapsule takes for nodes of a game, each with its sizes.

Source: https://www.scaleway.com/en/docs/instances/reference-content/instances-datasheet/
"""


def _is_node_type(name: str) -> bool:
    family, _, size = name.partition("-")
    return not NOT_FOR_POOLS.fullmatch(name) and bool(re.fullmatch(NODE_TYPES.get(family, "(?!)"), size))


def _node_type_meant(name: str) -> str | None:
    family, _, size = name.partition("-")
    meant = f"{closest(family, NODE_TYPES)}-{size}"
    return meant if _is_node_type(meant) else None


def _is_supported_minor(version: str) -> bool:
    found = re.fullmatch(r"1\.([1-9][0-9]?)", version)
    return found is not None and OLDEST_KUBERNETES <= int(found[1]) <= NEWEST_KUBERNETES


NodeType = Annotated[
    str,
    Text(
        allowed="an Instance type that Kapsule takes for a node, such as 'DEV1-M', of the families "
        f"{', '.join(NODE_TYPES)}; it refuses DEV1-S, PLAY2-PICO and STARDUST",
        accepts=_is_node_type,
        meant=_node_type_meant,
    ),
]
KubernetesMinor = Annotated[
    str,
    Text(
        allowed=f"a minor version in quotes, from '1.{OLDEST_KUBERNETES}' to '1.{NEWEST_KUBERNETES}', "
        f"as Rancher {CHARTS['rancher'].version.rpartition('.')[0]} takes no other",
        accepts=_is_supported_minor,
    ),
]


class Taint(Section):
    """Kubernetes taint, which keeps pods without a toleration off a pool's nodes."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue = ""
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
    """Effect of the taint on pods without a toleration."""


class Pool(Section):
    """Pool of nodes of one type."""

    node_type: NodeType
    """Commercial type of the nodes."""
    size: Annotated[int, whole_number(1, 500, "nodes")]
    """Number of nodes; with autoscaling, the number at the start."""
    min_size: Annotated[int, whole_number(1, 500, "nodes")] = 1
    """Least number of nodes with autoscaling."""
    max_size: Annotated[int, whole_number(1, 500, "nodes")] = 10
    """Greatest number of nodes with autoscaling."""
    autoscaling: Flag = False
    """Whether the number of nodes follows the load."""
    autohealing: Flag = True
    """Whether a node that stops answering is replaced."""
    root_volume_size_gb: Annotated[int, whole_number(20, 10_000, "GB")] = 20
    """Size of each node's root volume, in gigabytes of 10^9 bytes."""
    labels: Mapping[LabelKey, LabelValue] = {}
    """Kubernetes labels of the nodes."""
    taints: tuple[Taint, ...] = ()
    """Kubernetes taints of the nodes."""
    root_volume_type: Literal["l_ssd", "sbs_5k", "sbs_15k"] | None = None
    """Type of the nodes' root volumes: a disk of the hypervisor (l_ssd) or block storage of 5000 or 15000 operations a
    second; by default Scaleway's choice."""
    public_ip: Flag = True
    """Whether each node has a public address; without one, the board's network gets a Public Gateway for egress."""
    zone: Zone | None = None
    """Availability zone of the nodes; by default scaleway.zone."""
    allow_replacement: Flag = False
    """Whether the pool, once made, may be replaced or removed with its nodes."""

    @rule
    def size_within_bounds(self) -> Generator[Conflict]:
        if self.min_size > self.max_size:
            yield Conflict("minSize", self.min_size, f"must be at most maxSize ({self.max_size})")
        elif not self.min_size <= self.size <= self.max_size:
            yield Conflict(
                "size", self.size, f"must lie between minSize ({self.min_size}) and maxSize ({self.max_size})"
            )


class AutoUpgrade(Section):
    """Maintenance window in which Scaleway may install patch releases of Kubernetes."""

    day: Literal["any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    """Day of the week."""
    start_hour: Annotated[int, whole_number(0, 23, "o'clock UTC")]
    """Hour, in UTC, at which the maintenance window of two hours begins."""


class Board(Section):
    """Board: a Kubernetes cluster on which the game is played."""

    kubernetes_version: KubernetesMinor
    """Minor version of Kubernetes; Scaleway keeps the patch release current."""
    cni: Literal["cilium", "calico"] = "cilium"
    """Container network plugin (CNI)."""
    subnet: Subnet
    """IPv4 network (CIDR) of the board's private network."""
    pools: Annotated[Mapping[Label, Pool], AT_LEAST_ONE]
    """Pools of nodes, by name."""
    api_cidrs: Annotated[tuple[Cidr, ...], AT_LEAST_ONE]
    """IPv4 networks from which the board's Kubernetes API can be reached."""
    auto_upgrade: AutoUpgrade
    """Maintenance window for patch releases of Kubernetes."""
    ready_timeout_seconds: Annotated[int, whole_number(30, 7200, "seconds")] = 1200
    """Timeout, in seconds, for a pool until its nodes are ready."""
    allow_replacement: Flag = False
    """Whether the cluster, once made, may be replaced or removed, with its network and all pools."""

    @rule
    def some_pool_takes_every_pod(self) -> Generator[Conflict]:
        kept_off = {
            name: [f"{taint.key}={taint.value}:{taint.effect}" for taint in pool.taints if taint.effect in REPELLING]
            for name, pool in self.pools.items()
        }
        if all(kept_off.values()):
            allowed = "must be left out of one pool at least: no pod of the game, nor the cluster's own, tolerates it"
            name = next(iter(kept_off))
            yield Conflict(("pools", name, "taints"), kept_off[name], allowed, remedy=left_out)
