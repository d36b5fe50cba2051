"""One thing of each kind that may be left of an environment, made at the stand-in."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from common.naming import tags
from tests.localcloud.scaleway.cloud import BLOCK, GATEWAY, INSTANCE, K8S, LB, VPC, Cloud
from tests.unit.test_program import SETTINGS

IAM = "/iam/v1alpha1"
KEYS = f"{IAM}/ssh-keys"
RECORDS = "/domain/v2beta1/dns-zones/example.org/records"
OURS = tags("dev", "blue")
GB = 10**9
SUBDOMAINS = {"dev": "hunt", "production": "game"}
LOST = "4f6a1f5e-8d7e-4f58-9c43-0a3a52c0a111"
"""Id of a cluster that is no longer there."""


async def vpc(cloud: Cloud, **fields: Any) -> str:
    return await cloud.made(f"{VPC}/vpcs", {"name": "own", "tags": OURS, **fields})


async def private_network(cloud: Cloud) -> str:
    return await cloud.made(f"{VPC}/private-networks", {"name": "own", "tags": OURS})


async def gateway(cloud: Cloud) -> str:
    ip = await cloud.made(f"{GATEWAY}/ips", {})
    return await cloud.made(f"{GATEWAY}/gateways", {"name": "own", "type": "VPC-GW-S", "ip_id": ip, "tags": OURS})


async def connection(cloud: Cloud) -> str:
    body = {"gateway_id": await gateway(cloud), "private_network_id": await private_network(cloud)}
    return await cloud.made(f"{GATEWAY}/gateway-networks", body)


async def volume(cloud: Cloud, name: str = "own", tags: list[str] = OURS) -> str:
    return await cloud.made(f"{BLOCK}/volumes", {"name": name, "tags": tags, "from_empty": {"size": 5 * GB}})


async def block_snapshot(cloud: Cloud) -> str:
    body = {"name": "own", "volume_id": await volume(cloud), "tags": OURS}
    return await cloud.made(f"{BLOCK}/snapshots", body)


async def server(cloud: Cloud) -> str:
    root = {"0": {"volume_type": "l_ssd", "size": 20 * GB}}
    return await cloud.server(name="shambhala-dev-gamemaster", volumes=root)


async def local_volume(cloud: Cloud) -> str:
    shown = await cloud.ask("GET", f"{INSTANCE}/servers/{await server(cloud)}")
    return str(shown.body["server"]["volumes"]["0"]["id"])


async def snapshot(cloud: Cloud) -> str:
    return await cloud.made(f"{INSTANCE}/snapshots", {"name": "copy", "volume_id": await local_volume(cloud)})


async def image(cloud: Cloud) -> str:
    body = {"name": "copy", "root_volume": await snapshot(cloud), "arch": "x86_64"}
    return await cloud.made(f"{INSTANCE}/images", body)


async def cluster(cloud: Cloud, name: str = "shambhala-dev-blue", marks: list[str] = OURS) -> str:
    body = {"name": name, "version": "1.36.3", "private_network_id": await cloud.network(), "tags": marks}
    return await cloud.made(f"{K8S}/clusters", body)


async def record(cloud: Cloud, name: str = "ns1-hunt", kind: str = "A", data: str = "192.0.2.1") -> str:
    sent = {"name": name, "type": kind, "data": data, "ttl": 300}
    answer = await cloud.ask("PATCH", RECORDS, {"changes": [{"add": {"records": [sent]}}]})
    return str(answer.body["records"][0]["id"])


async def pool(cloud: Cloud) -> str:
    body = {"name": "main", "node_type": "PRO2-XXS", "size": 1}
    return await cloud.made(f"{K8S}/clusters/{await cluster(cloud)}/pools", body)


async def balancer(cloud: Cloud, of: str | None = None) -> str:
    """What a Service of a cluster makes."""
    of = of or await cluster(cloud)
    await cloud.api.acquire(of, "a-service", None, None)
    made = (await cloud.ask("GET", f"{LB}/lbs")).body["lbs"]
    return next(str(each["id"]) for each in made if f"cluster={of}" in each["tags"])


def tagged(path: str, name: str | None = "own") -> Callable[[Cloud], Awaitable[str]]:
    async def made(cloud: Cloud) -> str:
        return await cloud.made(path, {"tags": OURS} | ({"name": name} if name else {}))

    return made


async def ssh_key(cloud: Cloud) -> str:
    key = SETTINGS["operators"]["sshPublicKey"]
    return await cloud.made(KEYS, {"name": "shambhala-dev-operators", "public_key": key})


async def application(cloud: Cloud, **fields: Any) -> str:
    own = {"organization_id": cloud.credentials.organization_id, "tags": tags("dev", "registry")}
    return await cloud.made(f"{IAM}/applications", {"name": f"own-{uuid.uuid4()}", **own, **fields})


async def policy(cloud: Cloud) -> str:
    rule = {"project_ids": [cloud.credentials.project_id], "permission_set_names": ["ContainerRegistryFullAccess"]}
    own = {"organization_id": cloud.credentials.organization_id, "application_id": await application(cloud)}
    return await cloud.made(f"{IAM}/policies", {"name": "own", "rules": [rule], **own})


async def api_key(cloud: Cloud) -> str:
    body = {"application_id": await application(cloud), "description": " ".join(tags("dev", "registry"))}
    return str((await cloud.ask("POST", f"{IAM}/api-keys", body)).body["access_key"])


async def registry(cloud: Cloud) -> str:
    body = {"name": "a-name", "description": " ".join(tags("dev", "registry"))}
    return await cloud.made("/registry/v1/regions/fr-par/namespaces", body)


ONE_OF_EACH: dict[tuple[str, str], Callable[[Cloud], Awaitable[str]]] = {
    ("Instances", "Instance"): server,
    ("Instances", "flexible IP"): tagged(f"{INSTANCE}/ips", None),
    ("Instances", "security group"): tagged(f"{INSTANCE}/security_groups"),
    ("Instances", "placement group"): tagged(f"{INSTANCE}/placement_groups"),
    ("Instances", "local volume"): local_volume,
    ("Instances", "snapshot"): snapshot,
    ("Instances", "image"): image,
    ("Block Storage", "volume"): volume,
    ("Block Storage", "snapshot"): block_snapshot,
    ("Kubernetes", "cluster"): cluster,
    ("Kubernetes", "pool"): pool,
    ("Load Balancers", "load balancer"): balancer,
    ("Load Balancers", "flexible IP"): tagged(f"{LB}/ips", None),
    ("Public Gateways", "gateway"): gateway,
    ("Public Gateways", "flexible IP"): tagged(f"{GATEWAY}/ips", None),
    ("Public Gateways", "connection"): connection,
    ("VPC", "private network"): private_network,
    ("VPC", "VPC"): vpc,
    ("Container Registry", "namespace"): registry,
    ("IAM", "application"): application,
    ("IAM", "policy"): policy,
    ("IAM", "API key"): api_key,
    ("IAM", "SSH key"): ssh_key,
    ("Domains and DNS", "record"): record,
}
