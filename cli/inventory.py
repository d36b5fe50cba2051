"""What stands at Scaleway, product by product: everything that the program, or a cluster of its, can create there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from scaleway import Client
from scaleway.account.v3 import AccountV3ProjectAPI
from scaleway.block.v1 import BlockV1API
from scaleway.domain.v2beta1 import DomainV2Beta1API
from scaleway.iam.v1alpha1 import IamV1Alpha1API
from scaleway.instance.v1 import InstanceV1API
from scaleway.k8s.v1 import K8SV1API
from scaleway.lb.v1 import LbV1ZonedAPI
from scaleway.registry.v1 import RegistryV1API
from scaleway.vpc.v2 import VpcV2API
from scaleway.vpcgw.v2 import VpcgwV2API

from cli.scaleway_client import client
from common.settings import ZONES, Settings
from gamemaster.delegation import name_server_label

NO_BALANCERS_NOR_GATEWAYS: Final = ("fr-par-3",)
"""Zones without these products. Source: `Zones()` in scaleway-sdk-go, api/lb/v1 and api/vpcgw/v2."""


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


@dataclass(frozen=True)
class Kind:
    """One kind of thing, and how all of it is listed."""

    product: str
    name: str
    type: str | None
    """The provider's type; None for what only a cluster or a person makes."""
    list: Callable[[Account], Iterable[Item]]
    billed: bool = True


def _item(raw: Any, *parts_of: str | None, **more: Any) -> Item:
    """What a list of the SDK holds, as an item."""
    place = str(getattr(raw, "zone", None) or getattr(raw, "region", None) or "")
    return Item(
        id=f"{place}/{raw.id}" if place else raw.id,
        name=getattr(raw, "name", None) or "",
        tags=frozenset(getattr(raw, "tags", None) or ()),
        place=place,
        parts_of=[part for part in parts_of if part],
        type=_type(raw),
        gigabytes=int(getattr(raw, "size", None) or 0) // 10**9,
        **more,
    )


def _type(raw: Any) -> str:
    specs = getattr(raw, "specs", None)
    if specs is not None:
        return f"sbs_{(specs.perf_iops or 0) // 1000}k"
    names = ("commercial_type", "volume_type", "type_", "type")
    found = next((value for name in names if (value := getattr(raw, name, None))), "")
    return str(found).lower() if "lb" in str(found).lower() else str(found)


def _servers(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_servers_all(zone=zone, project=account.project):
            yield _item(raw)


def _instance_ips(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_ips_all(zone=zone, project=account.project):
            yield _item(raw, raw.server and raw.server.id)


def _security_groups(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_security_groups_all(zone=zone, project=account.project):
            yield _item(raw, automatic=raw.project_default)


def _placement_groups(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_placement_groups_all(zone=zone, project=account.project):
            yield _item(raw)


def _local_volumes(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_volumes_all(zone=zone, project=account.project):
            yield _item(raw, raw.server and raw.server.id)


def _local_snapshots(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_snapshots_all(zone=zone, project=account.project):
            yield _item(raw, raw.base_volume and raw.base_volume.id)


def _images(account: Account) -> Generator[Item]:
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_images_all(zone=zone, project=account.project, public=False):
            yield _item(raw, raw.root_volume and raw.root_volume.id)


def _block_volumes(account: Account) -> Generator[Item]:
    for zone in account.zones:
        api = BlockV1API(account.client)
        for raw in api.list_volumes_all(include_deleted=False, zone=zone, project_id=account.project):
            yield _item(raw, *(reference.product_resource_id for reference in raw.references))


def _block_snapshots(account: Account) -> Generator[Item]:
    for zone in account.zones:
        api = BlockV1API(account.client)
        for raw in api.list_snapshots_all(include_deleted=False, zone=zone, project_id=account.project):
            yield _item(raw, raw.parent_volume and raw.parent_volume.id)


def _balancer_zones(account: Account) -> list[str]:
    return [zone for zone in account.zones if zone not in NO_BALANCERS_NOR_GATEWAYS]


def _balancers(account: Account) -> Generator[Item]:
    for zone in _balancer_zones(account):
        for raw in LbV1ZonedAPI(account.client).list_lbs_all(zone=zone, project_id=account.project):
            # One at a reserved address is of the same environment as the address.
            yield _item(raw, *(ip.id for ip in raw.ip))


def _balancer_ips(account: Account) -> Generator[Item]:
    for zone in _balancer_zones(account):
        for raw in LbV1ZonedAPI(account.client).list_i_ps_all(zone=zone, project_id=account.project):
            yield _item(raw, raw.lb_id)


def _gateways(account: Account) -> Generator[Item]:
    for zone in _balancer_zones(account):
        for raw in VpcgwV2API(account.client).list_gateways_all(zone=zone, project_id=account.project):
            yield _item(raw)


def _gateway_ips(account: Account) -> Generator[Item]:
    for zone in _balancer_zones(account):
        for raw in VpcgwV2API(account.client).list_i_ps_all(zone=zone, project_id=account.project):
            yield _item(raw, raw.gateway_id)


def _gateway_networks(account: Account) -> Generator[Item]:
    for zone in _balancer_zones(account):
        for raw in VpcgwV2API(account.client).list_gateway_networks_all(zone=zone):
            inputs = {
                "gatewayId": f"{zone}/{raw.gateway_id}",
                "privateNetworkId": f"{account.region}/{raw.private_network_id}",
            }
            yield _item(raw, raw.gateway_id, raw.private_network_id, inputs=inputs)


def _vpcs(account: Account) -> Generator[Item]:
    for raw in VpcV2API(account.client).list_vp_cs_all(region=account.region, project_id=account.project):
        yield _item(raw, automatic=raw.is_default)


def _private_networks(account: Account) -> Generator[Item]:
    api = VpcV2API(account.client)
    for raw in api.list_private_networks_all(region=account.region, project_id=account.project):
        yield _item(raw, raw.vpc_id)


def _clusters(account: Account) -> Generator[Item]:
    for raw in K8SV1API(account.client).list_clusters_all(region=account.region, project_id=account.project):
        yield _item(raw, raw.private_network_id)


def _pools(account: Account) -> Generator[Item]:
    api = K8SV1API(account.client)
    for cluster in api.list_clusters_all(region=account.region, project_id=account.project):
        for raw in api.list_pools_all(cluster_id=cluster.id, region=account.region):
            yield _item(raw, cluster.id)


def _registries(account: Account) -> Generator[Item]:
    for raw in RegistryV1API(account.client).list_namespaces_all(region=account.region, project_id=account.project):
        # They have no tags: the program writes those that it would give them into the description.
        yield replace(_item(raw), tags=frozenset(raw.description.split()), inputs={"name": raw.name})


def _organization(account: Account) -> str:
    if account.organization:
        return account.organization
    # Every project has a VPC from its first day, and any of them tells it; the project itself is seldom open to a key.
    vpcs = VpcV2API(account.client).list_vp_cs_all(region=account.region, project_id=account.project)
    if vpcs:
        return vpcs[0].organization_id
    return AccountV3ProjectAPI(account.client).get_project(project_id=account.project).organization_id


def _applications(account: Account) -> Generator[Item]:
    organization = _organization(account)
    for raw in IamV1Alpha1API(account.client).list_applications_all(organization_id=organization):
        yield _item(raw)


def _policies(account: Account) -> Generator[Item]:
    organization = _organization(account)
    for raw in IamV1Alpha1API(account.client).list_policies_all(organization_id=organization):
        yield _item(raw, raw.application_id)


def _api_keys(account: Account) -> Generator[Item]:
    organization = _organization(account)
    for raw in IamV1Alpha1API(account.client).list_api_keys_all(organization_id=organization):
        if raw.application_id:
            inputs = {"applicationId": raw.application_id, "description": raw.description}
            tags = frozenset(raw.description.split())
            yield Item(raw.access_key, "", tags, "", [raw.application_id], inputs)


def _ssh_keys(account: Account) -> Generator[Item]:
    for raw in IamV1Alpha1API(account.client).list_ssh_keys_all(project_id=account.project):
        yield _item(raw)


def _parent_records(account: Account) -> Generator[Item]:
    """The records that lead to the game, where the parent domain is at Scaleway."""
    api = DomainV2Beta1API(account.client)
    if not api.list_dns_zones_all(domain=account.domain, dns_zone=account.domain, project_id=account.project):
        return
    for raw in api.list_dns_zone_records_all(dns_zone=account.domain, name=""):
        if raw.name in (account.subdomain, name_server_label(account.subdomain)):
            inputs = {"dnsZone": account.domain, "name": raw.name, "type": raw.type_, "data": raw.data}
            name = f"{raw.name}.{account.domain} {raw.type_}"
            yield Item(f"{account.domain}/{raw.id}", name, frozenset(), "", inputs=inputs)


KINDS: Final = (
    Kind("Instances", "Instance", "scaleway:instance/server:Server", _servers),
    Kind("Instances", "flexible IP", "scaleway:instance/ip:Ip", _instance_ips),
    Kind(
        "Instances", "security group", "scaleway:instance/securityGroup:SecurityGroup", _security_groups, billed=False
    ),
    Kind("Instances", "placement group", None, _placement_groups, billed=False),
    Kind("Instances", "local volume", None, _local_volumes),
    Kind("Instances", "snapshot", None, _local_snapshots),
    Kind("Instances", "image", None, _images),
    Kind("Block Storage", "volume", None, _block_volumes),
    Kind("Block Storage", "snapshot", None, _block_snapshots),
    Kind("Kubernetes", "cluster", "scaleway:kubernetes/cluster:Cluster", _clusters),
    Kind("Kubernetes", "pool", "scaleway:kubernetes/pool:Pool", _pools),
    Kind("Load Balancers", "load balancer", None, _balancers),
    Kind("Load Balancers", "flexible IP", "scaleway:loadbalancers/ip:Ip", _balancer_ips),
    Kind("Public Gateways", "gateway", "scaleway:network/publicGateway:PublicGateway", _gateways),
    Kind("Public Gateways", "flexible IP", "scaleway:network/publicGatewayIp:PublicGatewayIp", _gateway_ips),
    Kind(
        "Public Gateways",
        "connection",
        "scaleway:network/gatewayNetwork:GatewayNetwork",
        _gateway_networks,
        billed=False,
    ),
    Kind("VPC", "private network", "scaleway:network/privateNetwork:PrivateNetwork", _private_networks, billed=False),
    Kind("VPC", "VPC", "scaleway:network/vpc:Vpc", _vpcs, billed=False),
    Kind("Container Registry", "namespace", "scaleway:registry/namespace:Namespace", _registries),
    Kind("IAM", "application", "scaleway:iam/application:Application", _applications, billed=False),
    Kind("IAM", "policy", "scaleway:iam/policy:Policy", _policies, billed=False),
    Kind("IAM", "API key", "scaleway:iam/apiKey:ApiKey", _api_keys, billed=False),
    Kind("IAM", "SSH key", None, _ssh_keys, billed=False),
    Kind("Domains and DNS", "record", "scaleway:domain/record:Record", _parent_records, billed=False),
)
"""All of them."""

LISTED: Final[Mapping[str, Kind]] = {kind.type: kind for kind in KINDS if kind.type}
"""How each of the provider's types that the program makes is listed."""

NOT_LISTED: Final[Mapping[str, str]] = {
    "scaleway:kubernetes/acl:Acl": "sets the whole list of who may reach a cluster, and setting it again is the same",
}
"""The provider's types that the program makes and that leave nothing of their own behind, with the reason."""
