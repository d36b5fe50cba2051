"""Resources pass through the states that the provider waits for, and survive the stand-in."""

from __future__ import annotations

import json
import stat
from typing import Any

from tests.localcloud.scaleway.cloud import INSTANCE, INTERFACES, K8S, VPC, Cloud, until, until_gone


async def test_a_server_starts_runs_and_stops(cloud: Cloud) -> None:
    server = await cloud.server()
    path = f"{INSTANCE}/servers/{server}"
    assert (await cloud.ask("GET", path)).body["server"]["state"] == "stopped"
    cloud.machines.gate.clear()
    assert (await cloud.ask("POST", f"{path}/action", {"action": "poweron"})).status == 202
    assert (await cloud.ask("GET", path)).body["server"]["state"] == "starting"
    cloud.machines.gate.set()
    await until(cloud, path, state="running")
    cloud.machines.gate.clear()
    await cloud.ask("POST", f"{path}/action", {"action": "terminate"})
    assert (await cloud.ask("GET", path)).body["server"]["state"] == "stopping"
    cloud.machines.gate.set()
    await until_gone(cloud, path)
    assert not cloud.machines.machines


async def test_a_protected_server_can_be_stopped_and_not_be_removed(cloud: Cloud) -> None:
    server = await cloud.server(protected=True)
    path = f"{INSTANCE}/servers/{server}"
    await cloud.ask("POST", f"{path}/action", {"action": "poweron"})
    await until(cloud, path, state="running")
    assert (await cloud.ask("POST", f"{path}/action", {"action": "terminate"})).status == 412
    assert (await cloud.ask("POST", f"{path}/action", {"action": "poweroff"})).status == 202
    await until(cloud, path, state="stopped")
    assert (await cloud.ask("DELETE", path)).status == 412
    await cloud.ask("PATCH", path, {"protected": False})
    assert (await cloud.ask("DELETE", path)).status == 204


async def test_a_server_whose_machine_fails_is_locked_and_says_why(cloud: Cloud) -> None:
    cloud.machines.broken = True
    server = await cloud.server()
    await cloud.ask("POST", f"{INSTANCE}/servers/{server}/action", {"action": "poweron"})
    answer = await until(cloud, f"{INSTANCE}/servers/{server}", state="locked")
    assert answer.body["server"]["state_detail"] == "no machine today"


async def test_a_private_network_interface_is_attached_when_its_machine_has_it(cloud: Cloud) -> None:
    network, server = await cloud.network(), await cloud.server()
    await cloud.ask("POST", f"{INSTANCE}/servers/{server}/action", {"action": "poweron"})
    await until(cloud, f"{INSTANCE}/servers/{server}", state="running")
    cloud.machines.gate.clear()
    nic = await cloud.made(INTERFACES, {"server_id": server, "private_network_id": network})
    assert (await cloud.ask("GET", f"{INTERFACES}/{nic}")).body["status"] == "attaching"
    cloud.machines.gate.set()
    await until(cloud, f"{INTERFACES}/{nic}", status="available")
    assert list(cloud.machines.machines[server].networks) == [network]


async def test_a_cluster_needs_a_pool_and_a_pool_needs_its_cluster(cloud: Cloud) -> None:
    cloud.clusters.gate.clear()
    cluster = await cloud.cluster(await cloud.network())
    path = f"{K8S}/clusters/{cluster}"
    assert (await cloud.ask("GET", path)).body["status"] == "creating"
    assert (await cloud.ask("GET", f"{path}/kubeconfig")).status == 409
    cloud.clusters.gate.set()
    await until(cloud, path, status="pool_required")
    pool = await cloud.made(f"{path}/pools", {"name": "small", "node_type": "PRO2-XXS", "size": 2})
    await until(cloud, f"{K8S}/pools/{pool}", status="ready")
    await until(cloud, path, status="ready")
    assert len(cloud.clusters.nodes[pool]) == 2


async def test_two_pools_of_a_cluster_have_two_names(cloud: Cloud) -> None:
    path = f"{K8S}/clusters/{await cloud.cluster(await cloud.network())}/pools"
    pool = {"name": "small", "node_type": "PRO2-XXS", "size": 1}
    await cloud.made(path, pool)
    refused = await cloud.ask("POST", path, pool)
    assert refused.status == 400
    assert "unique across the cluster" in str(refused.body)
    await cloud.made(path, {**pool, "name": "other"})


async def test_a_cluster_whose_control_plane_fails_is_locked(cloud: Cloud) -> None:
    cloud.clusters.broken = True
    cluster = await cloud.cluster(await cloud.network())
    await until(cloud, f"{K8S}/clusters/{cluster}", status="locked")


async def test_every_write_is_saved_for_the_user_only(cloud: Cloud) -> None:
    file = cloud.session.home / "scaleway.json"

    def saved() -> dict[str, dict[str, Any]]:
        return json.loads(file.read_text())

    vpc = await cloud.made(f"{VPC}/vpcs", {"name": "vpc"})
    assert saved()["vpcs"][vpc]["name"] == "vpc"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await cloud.ask("PATCH", f"{VPC}/vpcs/{vpc}", {"name": "other"})
    assert saved()["vpcs"][vpc]["name"] == "other"
    await cloud.ask("DELETE", f"{VPC}/vpcs/{vpc}")
    assert vpc not in saved()["vpcs"]


async def test_a_restarted_stand_in_goes_on_where_it_was(cloud: Cloud) -> None:
    network, server = await cloud.network(), await cloud.server()
    cluster = await cloud.cluster(network)
    await cloud.ask("PATCH", f"{INSTANCE}/servers/{server}/user_data/cloud-init", text="#cloud-config")
    await cloud.ask("POST", f"{INSTANCE}/servers/{server}/action", {"action": "poweron"})
    await until(cloud, f"{INSTANCE}/servers/{server}", state="running")
    await until(cloud, f"{K8S}/clusters/{cluster}", status="pool_required")
    cloud.machines.machines.clear()
    cloud.machines.networks.clear()
    cloud.clusters.clusters.clear()
    await cloud.restart()
    assert list(cloud.machines.networks) == [network]
    await until(cloud, f"{INSTANCE}/servers/{server}", state="running")
    await until(cloud, f"{K8S}/clusters/{cluster}", status="pool_required")
    assert cloud.machines.machines[server].user_data == {"cloud-init": "#cloud-config"}
    assert list(cloud.clusters.clusters) == [cluster]


async def test_what_was_going_on_is_finished_after_a_restart(cloud: Cloud) -> None:
    server = await cloud.server()
    cluster = await cloud.cluster(await cloud.network())
    cloud.machines.gate.clear()
    cloud.clusters.gate.clear()
    await cloud.ask("POST", f"{INSTANCE}/servers/{server}/action", {"action": "poweron"})
    await cloud.ask("POST", f"{INSTANCE}/servers/{server}/action", {"action": "terminate"})
    await cloud.ask("DELETE", f"{K8S}/clusters/{cluster}")
    await cloud.restart()
    cloud.machines.gate.set()
    cloud.clusters.gate.set()
    await until_gone(cloud, f"{INSTANCE}/servers/{server}")
    await until_gone(cloud, f"{K8S}/clusters/{cluster}")
