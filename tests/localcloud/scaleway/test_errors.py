"""What the stand-in refuses, in Scaleway's own words (scaleway-sdk-go, scw/errors.go)."""

from __future__ import annotations

import uuid

import pytest

from tests.localcloud.scaleway.cloud import BLOCK, INSTANCE, INTERFACES, IPAM, K8S, LB, VPC, Cloud, until

NOBODY = str(uuid.UUID(int=1))


@pytest.mark.parametrize(("token", "reason"), [(None, "invalid_argument"), (NOBODY, "not_found")])
async def test_without_the_right_key_nothing_is_answered(cloud: Cloud, token: str | None, reason: str) -> None:
    answer = await cloud.ask("GET", f"{VPC}/vpcs", token=token)
    assert answer.status == 401
    assert answer.body == {
        "type": "denied_authentication",
        "message": "authentication is denied",
        "method": "api_key",
        "reason": reason,
    }


async def test_another_project_is_not_ones_own(cloud: Cloud) -> None:
    answer = await cloud.ask("POST", f"{VPC}/vpcs", {"name": "other", "project_id": NOBODY})
    assert (answer.status, answer.body["type"]) == (403, "permissions_denied")


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (f"{INSTANCE}/servers/{NOBODY}", "instance_server"),
        (f"{INSTANCE}/ips/{NOBODY}", "instance_ip"),
        (f"{INSTANCE}/security_groups/{NOBODY}", "instance_security_group"),
        (f"{INTERFACES}/{NOBODY}", "instance_private_nic"),
        (f"{BLOCK}/volumes/{NOBODY}", "volume"),
        (f"{VPC}/vpcs/{NOBODY}", "vpc"),
        (f"{VPC}/private-networks/{NOBODY}", "private_network"),
        (f"{IPAM}/ips/{NOBODY}", "ip"),
        (f"{K8S}/clusters/{NOBODY}", "cluster"),
        (f"{K8S}/pools/{NOBODY}", "pool"),
        (f"/iam/v1alpha1/ssh-keys/{NOBODY}", "ssh_key"),
    ],
)
async def test_what_is_not_there_is_named(cloud: Cloud, path: str, resource: str) -> None:
    answer = await cloud.ask("GET", path)
    assert answer.status == 404
    said = {"type": "not_found", "message": "resource is not found", "resource": resource, "resource_id": NOBODY}
    assert answer.body == said


async def test_load_balancers_say_in_their_own_way_that_an_ip_is_not_there(cloud: Cloud) -> None:
    answer = await cloud.ask("GET", f"{LB}/ips/{NOBODY}")
    assert (answer.status, answer.body) == (404, {"message": "ips not Found"})


async def test_a_resource_of_one_zone_is_not_in_another(cloud: Cloud) -> None:
    identity = await cloud.made(f"{INSTANCE}/ips", {})
    assert (await cloud.ask("GET", f"/instance/v1/zones/nl-ams-1/ips/{identity}")).status == 404


async def test_every_wrong_field_is_named_at_once(cloud: Cloud) -> None:
    body = {"name": "", "version": "0.9.0", "cni": "string", "tags": "one"}
    answer = await cloud.ask("POST", f"{K8S}/clusters", body)
    assert (answer.status, answer.body["type"]) == (400, "invalid_arguments")
    reasons = {detail["argument_name"]: detail["reason"] for detail in answer.body["details"]}
    assert reasons == {
        "name": "required",
        "version": "constraint",
        "cni": "constraint",
        "tags": "format",
        "private_network_id": "required",
    }


async def test_a_body_that_is_no_json_is_refused(cloud: Cloud) -> None:
    answer = await cloud.ask("POST", f"{VPC}/vpcs", text="{name: vpc}")
    assert (answer.status, answer.body["details"][0]["argument_name"]) == (400, "body")


async def test_what_scaleway_has_and_the_stand_in_has_not_is_said(cloud: Cloud) -> None:
    path = "/iam/v1alpha1/permission-sets"
    answer = await cloud.ask("GET", path)
    assert answer.status == 501
    assert f"The Scaleway API stand-in does not have GET {path}." == answer.body["message"]


async def test_a_private_network_with_a_server_in_it_stays(cloud: Cloud) -> None:
    network, server = await cloud.network(), await cloud.server()
    nic = await cloud.made(INTERFACES, {"server_id": server, "private_network_id": network})
    answer = await cloud.ask("DELETE", f"{VPC}/private-networks/{network}")
    assert answer.status == 412
    assert answer.body == {
        "type": "precondition_failed",
        "message": "precondition is not respected",
        "precondition": "resource_still_in_use",
        "help_message": "Private Network must be empty to be deleted",
    }
    assert (await cloud.ask("DELETE", f"{INTERFACES}/{nic}")).status == 204
    assert (await cloud.ask("DELETE", f"{VPC}/private-networks/{network}")).status == 204


async def test_a_vpc_with_a_private_network_in_it_stays(cloud: Cloud) -> None:
    vpc = await cloud.made(f"{VPC}/vpcs", {"name": "vpc"})
    await cloud.made(f"{VPC}/private-networks", {"name": "inside", "vpc_id": vpc})
    answer = await cloud.ask("DELETE", f"{VPC}/vpcs/{vpc}")
    assert (answer.status, answer.body["precondition"]) == (412, "resource_still_in_use")


async def test_an_address_that_is_used_stays(cloud: Cloud) -> None:
    network, server = await cloud.network(), await cloud.server()
    await cloud.made(INTERFACES, {"server_id": server, "private_network_id": network})
    addresses = (await cloud.ask("GET", f"{IPAM}/ips")).body["ips"]
    answer = await cloud.ask("DELETE", f"{IPAM}/ips/{addresses[0]['id']}")
    assert (answer.status, answer.body["precondition"]) == (412, "resource_still_in_use")


async def test_a_volume_of_a_server_stays(cloud: Cloud) -> None:
    await cloud.server(volumes={"0": {"volume_type": "sbs_volume", "size": 20_000_000_000}})
    volume = (await cloud.ask("GET", f"{BLOCK}/volumes")).body["volumes"][0]
    answer = await cloud.ask("DELETE", f"{BLOCK}/volumes/{volume['id']}")
    assert (answer.status, answer.body["precondition"]) == (412, "resource_still_in_use")


async def test_a_security_group_of_a_server_stays(cloud: Cloud) -> None:
    group = await cloud.made(f"{INSTANCE}/security_groups", {"name": "closed"})
    await cloud.server(security_group=group)
    answer = await cloud.ask("DELETE", f"{INSTANCE}/security_groups/{group}")
    assert answer.status == 409
    assert answer.body == {"type": "conflict", "message": "Group is in use. You cannot delete it."}


async def test_a_server_that_runs_is_not_deleted(cloud: Cloud) -> None:
    server = await cloud.server()
    await cloud.ask("POST", f"{INSTANCE}/servers/{server}/action", {"action": "poweron"})
    await until(cloud, f"{INSTANCE}/servers/{server}", state="running")
    answer = await cloud.ask("DELETE", f"{INSTANCE}/servers/{server}")
    assert (answer.status, answer.body["message"]) == (400, "Instance should be powered off.")


async def test_a_cluster_that_is_being_deleted_takes_no_change(cloud: Cloud) -> None:
    cloud.clusters.gate.clear()
    cluster = await cloud.cluster(await cloud.network())
    await cloud.ask("DELETE", f"{K8S}/clusters/{cluster}")
    answer = await cloud.ask("PATCH", f"{K8S}/clusters/{cluster}", {"name": "late"})
    assert answer.status == 409
    assert answer.body == {
        "type": "transient_state",
        "message": "resource is in a transient state",
        "resource": "cluster",
        "resource_id": cluster,
        "current_state": "deleting",
    }
