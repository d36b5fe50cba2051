"""Public Gateways: what stays while others use it, and what nodes without an address of their own need."""

from __future__ import annotations

from tests.localcloud.scaleway.cloud import GATEWAY, K8S, VPC, Cloud, until


async def gateway(cloud: Cloud, ip: str) -> str:
    return await cloud.made(f"{GATEWAY}/gateways", {"name": "way-out", "type": "VPC-GW-S", "ip_id": ip})


async def connected(cloud: Cloud, gateway: str, network: str, *, default_route: bool = True) -> str:
    body = {"gateway_id": gateway, "private_network_id": network, "push_default_route": default_route}
    return await cloud.made(f"{GATEWAY}/gateway-networks", body)


async def test_nodes_without_an_address_become_ready_once_a_gateway_leads_out(cloud: Cloud) -> None:
    network = await cloud.network()
    cluster = await cloud.cluster(network)
    await until(cloud, f"{K8S}/clusters/{cluster}", status="pool_required")
    body = {"name": "main", "node_type": "PRO2-XXS", "size": 1, "public_ip_disabled": True}
    pool = f"{K8S}/pools/{await cloud.made(f'{K8S}/clusters/{cluster}/pools', body)}"
    way_out = await gateway(cloud, await cloud.made(f"{GATEWAY}/ips", {}))
    connection = await connected(cloud, way_out, network, default_route=False)
    assert (await cloud.ask("GET", pool)).body["status"] == "scaling"
    await cloud.ask("PATCH", f"{GATEWAY}/gateway-networks/{connection}", {"push_default_route": True})
    await until(cloud, pool, status="ready")


async def test_what_a_gateway_uses_stays_until_it_is_let_go(cloud: Cloud) -> None:
    network = f"{VPC}/private-networks/{await cloud.network()}"
    ip = await cloud.made(f"{GATEWAY}/ips", {"tags": ["own"]})
    way_out = await gateway(cloud, ip)
    connection = await connected(cloud, way_out, network.rpartition("/")[2])
    for used in (f"{GATEWAY}/ips/{ip}", f"{GATEWAY}/gateways/{way_out}", network):
        refused = await cloud.ask("DELETE", used)
        assert (refused.status, refused.body["precondition"]) == (412, "resource_still_in_use")
    for freed in (f"{GATEWAY}/gateway-networks/{connection}", f"{GATEWAY}/gateways/{way_out}"):
        assert (await cloud.ask("DELETE", freed)).status == 200
        assert (await cloud.ask("GET", freed)).status == 404
    for freed in (f"{GATEWAY}/ips/{ip}", network):
        assert (await cloud.ask("DELETE", freed)).status == 204


async def test_an_ip_and_a_network_have_one_gateway(cloud: Cloud) -> None:
    network, ip = await cloud.network(), await cloud.made(f"{GATEWAY}/ips", {})
    first = await gateway(cloud, ip)
    body = {"name": "another", "type": "VPC-GW-S", "ip_id": ip}
    assert (await cloud.ask("POST", f"{GATEWAY}/gateways", body)).status == 409
    await connected(cloud, first, network)
    body = {"gateway_id": first, "private_network_id": network}
    assert (await cloud.ask("POST", f"{GATEWAY}/gateway-networks", body)).status == 409


async def test_a_gateway_without_an_ip_of_ones_own_gets_one_that_can_go_with_it(cloud: Cloud) -> None:
    way_out = await cloud.made(f"{GATEWAY}/gateways", {"name": "way-out", "type": "VPC-GW-S"})
    [ip] = (await cloud.ask("GET", f"{GATEWAY}/ips")).body["ips"]
    shown = (await cloud.ask("GET", f"{GATEWAY}/gateways/{way_out}")).body
    assert (shown["ipv4"]["address"], ip["gateway_id"]) == (ip["address"], way_out)
    await cloud.ask("DELETE", f"{GATEWAY}/gateways/{way_out}?delete_ip=true")
    assert (await cloud.ask("GET", f"{GATEWAY}/ips")).body["ips"] == []
