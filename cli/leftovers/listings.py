"""How each kind of thing at Scaleway is listed by the product's own API."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from typing import Any, Final

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

from cli.account import Account, Item
from common.naming import name_server_label

NO_BALANCERS_NOR_GATEWAYS: Final = ("fr-par-3",)
"""Zones without these products. Source: `Zones()` in scaleway-sdk-go, api/lb/v1 and api/vpcgw/v2."""


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
    """Commercial type, as Scaleway's price list names it."""
    specs = getattr(raw, "specs", None)
    if specs is not None:
        return f"sbs_{(specs.perf_iops or 0) // 1000}k"
    names = ("commercial_type", "volume_type", "type_", "type")
    return str(next((value for name in names if (value := getattr(raw, name, None))), ""))


def _in_zones(
    listing: Callable[[Account, str], Iterable[Any]],
    parts_of: Callable[[Any], Iterable[str | None]] = lambda _: (),
    *,
    everywhere: bool = True,
) -> Callable[[Account], Generator[Item]]:
    """Lists what is listed zone by zone. everywhere: whether every zone has it."""

    def listed(account: Account) -> Generator[Item]:
        for zone in account.zones:
            if everywhere or zone not in NO_BALANCERS_NOR_GATEWAYS:
                for raw in listing(account, zone):
                    yield _item(raw, *parts_of(raw))

    return listed


def _of_server(raw: Any) -> Iterable[str | None]:
    return [raw.server and raw.server.id]


servers = _in_zones(lambda of, zone: InstanceV1API(of.client).list_servers_all(zone=zone, project=of.project))
instance_ips = _in_zones(
    lambda of, zone: InstanceV1API(of.client).list_ips_all(zone=zone, project=of.project), _of_server
)
placement_groups = _in_zones(
    lambda of, zone: InstanceV1API(of.client).list_placement_groups_all(zone=zone, project=of.project)
)
local_volumes = _in_zones(
    lambda of, zone: InstanceV1API(of.client).list_volumes_all(zone=zone, project=of.project), _of_server
)
local_snapshots = _in_zones(
    lambda of, zone: InstanceV1API(of.client).list_snapshots_all(zone=zone, project=of.project),
    lambda raw: [raw.base_volume and raw.base_volume.id],
)
images = _in_zones(
    lambda of, zone: InstanceV1API(of.client).list_images_all(zone=zone, project=of.project, public=False),
    lambda raw: [raw.root_volume and raw.root_volume.id],
)
block_volumes = _in_zones(
    lambda of, zone: BlockV1API(of.client).list_volumes_all(include_deleted=False, zone=zone, project_id=of.project),
    lambda raw: [reference.product_resource_id for reference in raw.references],
)
block_snapshots = _in_zones(
    lambda of, zone: BlockV1API(of.client).list_snapshots_all(include_deleted=False, zone=zone, project_id=of.project),
    lambda raw: [raw.parent_volume and raw.parent_volume.id],
)
balancers = _in_zones(
    lambda of, zone: LbV1ZonedAPI(of.client).list_lbs_all(zone=zone, project_id=of.project),
    # One at a reserved address is of the same environment as the address.
    lambda raw: [ip.id for ip in raw.ip],
    everywhere=False,
)
balancer_ips = _in_zones(
    lambda of, zone: LbV1ZonedAPI(of.client).list_i_ps_all(zone=zone, project_id=of.project),
    lambda raw: [raw.lb_id],
    everywhere=False,
)
gateways = _in_zones(
    lambda of, zone: VpcgwV2API(of.client).list_gateways_all(zone=zone, project_id=of.project), everywhere=False
)
gateway_ips = _in_zones(
    lambda of, zone: VpcgwV2API(of.client).list_i_ps_all(zone=zone, project_id=of.project),
    lambda raw: [raw.gateway_id],
    everywhere=False,
)
_connections = _in_zones(
    lambda of, zone: VpcgwV2API(of.client).list_gateway_networks_all(zone=zone),
    lambda raw: [raw.gateway_id, raw.private_network_id],
    everywhere=False,
)


def gateway_networks(account: Account) -> Generator[Item]:
    """Connections of gateways to private networks, which have no tags and are known by their two ends."""
    for item in _connections(account):
        gateway, network = item.parts_of
        ends = {"gatewayId": f"{item.place}/{gateway}", "privateNetworkId": f"{account.region}/{network}"}
        yield replace(item, inputs=ends)


def security_groups(account: Account) -> Generator[Item]:
    """Security groups, each project's default one too."""
    for zone in account.zones:
        for raw in InstanceV1API(account.client).list_security_groups_all(zone=zone, project=account.project):
            yield _item(raw, automatic=raw.project_default)


def vpcs(account: Account) -> Generator[Item]:
    """VPCs, each project's default one too."""
    for raw in VpcV2API(account.client).list_vp_cs_all(region=account.region, project_id=account.project):
        yield _item(raw, automatic=raw.is_default)


def private_networks(account: Account) -> Generator[Item]:
    """Private networks."""
    api = VpcV2API(account.client)
    for raw in api.list_private_networks_all(region=account.region, project_id=account.project):
        yield _item(raw, raw.vpc_id)


def clusters(account: Account) -> Generator[Item]:
    """Kapsule clusters."""
    for raw in K8SV1API(account.client).list_clusters_all(region=account.region, project_id=account.project):
        yield _item(raw, raw.private_network_id)


def pools(account: Account) -> Generator[Item]:
    """Pools of all clusters of the project."""
    api = K8SV1API(account.client)
    for cluster in api.list_clusters_all(region=account.region, project_id=account.project):
        for raw in api.list_pools_all(cluster_id=cluster.id, region=account.region):
            yield _item(raw, cluster.id)


def registries(account: Account) -> Generator[Item]:
    """Namespaces of the container registry."""
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


def applications(account: Account) -> Generator[Item]:
    """IAM applications of the organisation."""
    organization = _organization(account)
    for raw in IamV1Alpha1API(account.client).list_applications_all(organization_id=organization):
        yield _item(raw)


def policies(account: Account) -> Generator[Item]:
    """IAM policies of the organisation."""
    organization = _organization(account)
    for raw in IamV1Alpha1API(account.client).list_policies_all(organization_id=organization):
        yield _item(raw, raw.application_id)


def api_keys(account: Account) -> Generator[Item]:
    """API keys of the organisation's applications; people's are their own."""
    organization = _organization(account)
    for raw in IamV1Alpha1API(account.client).list_api_keys_all(organization_id=organization):
        if raw.application_id:
            inputs = {"applicationId": raw.application_id, "description": raw.description}
            tags = frozenset(raw.description.split())
            yield Item(raw.access_key, "", tags, "", [raw.application_id], inputs)


def ssh_keys(account: Account) -> Generator[Item]:
    """SSH keys of the project."""
    for raw in IamV1Alpha1API(account.client).list_ssh_keys_all(project_id=account.project):
        yield _item(raw)


def parent_records(account: Account) -> Generator[Item]:
    """The records that lead to the game, where the parent domain is at Scaleway."""
    api = DomainV2Beta1API(account.client)
    if not api.list_dns_zones_all(domain=account.domain, dns_zone=account.domain, project_id=account.project):
        return
    for raw in api.list_dns_zone_records_all(dns_zone=account.domain, name=""):
        if raw.name in (account.subdomain, name_server_label(account.subdomain)):
            inputs = {"dnsZone": account.domain, "name": raw.name, "type": raw.type_, "data": raw.data}
            name = f"{raw.name}.{account.domain} {raw.type_}"
            yield Item(f"{account.domain}/{raw.id}", name, frozenset(), "", inputs=inputs)
