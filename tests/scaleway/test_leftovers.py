"""What is left of an environment is found in every product, and nothing of anybody else's is taken for it."""

from __future__ import annotations

import asyncio
import copy
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from cli.__main__ import run
from cli.leftovers import leftovers_command
from cli.leftovers.inventory import KINDS
from cli.leftovers.survey import Leftover, Survey, UnprovenError, survey
from cli.stack import Stack
from common import keys
from common.naming import tags
from common.settings import Secret, Settings, parse
from tests.scaleway.cloud import BLOCK, GATEWAY, INSTANCE, K8S, LB, VPC, Cloud
from tests.unit.test_program import SETTINGS

IAM = "/iam/v1alpha1"
KEYS = f"{IAM}/ssh-keys"
RECORDS = "/domain/v2beta1/dns-zones/example.org/records"
OURS = tags("dev", "blue")
GB = 10**9
SUBDOMAINS = {"dev": "hunt", "production": "game"}
LOST = "4f6a1f5e-8d7e-4f58-9c43-0a3a52c0a111"
"""Id of a cluster that is no longer there."""


def settings_in(cloud: Cloud, environment: str = "dev") -> dict[str, Any]:
    """The settings of an environment at the stand-in, as a stack's file has them."""
    values: dict[str, Any] = copy.deepcopy(dict(SETTINGS))
    values |= {"environment": environment, "subdomain": SUBDOMAINS[environment]}
    values["scaleway"] |= {
        "projectId": cloud.credentials.project_id,
        "organizationId": cloud.credentials.organization_id,
        "accessKey": cloud.credentials.access_key,
        "secretKey": cloud.credentials.secret_key,
        "apiUrl": cloud.api.url,
    }
    return values


def settings(cloud: Cloud, environment: str = "dev") -> Settings:
    return parse(settings_in(cloud, environment), environment)


async def look(cloud: Cloud, environment: str = "dev", clusters: tuple[str, ...] = ()) -> Survey:
    return await asyncio.to_thread(survey, settings(cloud, environment), clusters)


def ids(left: Sequence[Leftover]) -> set[str]:
    return {each.id.rpartition("/")[2] for each in left}


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


@pytest.mark.parametrize("what", ONE_OF_EACH, ids=" ".join)
async def test_one_thing_that_is_left_is_named(cloud: Cloud, what: tuple[str, str]) -> None:
    assert (await look(cloud)).ours == []
    identity = await ONE_OF_EACH[what](cloud)
    found = (await look(cloud)).ours
    [mine] = [each for each in found if each.id.endswith(identity)]
    assert (mine.product, mine.kind) == what
    assert mine.why


def test_every_kind_has_such_a_test() -> None:
    assert {(kind.product, kind.name) for kind in KINDS} == set(ONE_OF_EACH)


async def environment(cloud: Cloud, name: str) -> set[str]:
    """Something of an environment in each product, and what its cluster makes by itself."""
    marks = tags(name, "blue")
    board = await cluster(cloud, f"shambhala-{name}-blue", marks)
    return {
        board,
        await balancer(cloud, board),
        await vpc(cloud, tags=marks),
        await volume(cloud, tags=marks),
        await record(cloud, f"ns1-{SUBDOMAINS[name]}"),
        await cloud.made(f"{GATEWAY}/ips", {"tags": marks}),
        await cloud.made(f"{INSTANCE}/security_groups", {"name": f"kubernetes {board}"}),
        await cloud.made(KEYS, {"name": f"shambhala-{name}-operators", "public_key": keys.key_pair().public}),
    }


async def test_two_environments_in_one_project_are_told_apart(cloud: Cloud) -> None:
    mine, theirs = await environment(cloud, "dev"), await environment(cloud, "production")
    for name, own, foreign in (("dev", mine, theirs), ("production", theirs, mine)):
        found = await look(cloud, name)
        # Beside these there are their networks and addresses.
        assert own <= ids(found.ours)
        assert not ids(found.ours) & foreign
        assert not ids(found.unknown) & (own | foreign)


async def test_the_same_environment_of_another_project_is_somebody_else_s(cloud: Cloud) -> None:
    marks = tags("dev", "registry")
    mine = await application(cloud, tags=[*marks, f"project={cloud.credentials.project_id}"])
    theirs = await application(cloud, tags=[*marks, f"project={uuid.uuid4()}"])
    found = ids((await look(cloud)).ours)
    assert mine in found
    assert theirs not in found


async def test_what_bears_no_mark_is_named_apart_and_nothing_is_left(cloud: Cloud) -> None:
    strangers = {await volume(cloud, "somebody's", []), await cluster(cloud, "somebody's", [])}
    stranger_s = await balancer(cloud, await cluster(cloud, "another's", []))
    claim = await volume(cloud, f"pvc-{LOST}", [])
    await record(cloud, "www")
    await vpc(cloud, tags=["somebody's"])
    found = await look(cloud)
    assert found.ours == []
    assert ids(found.unknown) >= {*strangers, stranger_s, claim}


async def test_what_a_cluster_left_behind_is_found_after_the_cluster_is_gone(cloud: Cloud) -> None:
    claim = await volume(cloud, f"pvc-{LOST}", [])
    copy_of_it = await cloud.made(f"{BLOCK}/snapshots", {"name": "snapshot", "volume_id": claim})
    left = (await look(cloud)).ours
    assert ids(left) == {claim, copy_of_it}
    assert "nobody else has a cluster" in left[0].why


async def test_what_a_lost_cluster_made_is_the_environments_where_a_state_tells_the_cluster(cloud: Cloud) -> None:
    group = await cloud.made(f"{INSTANCE}/security_groups", {"name": f"kubernetes {LOST}"})
    assert (await look(cloud)).ours == []
    assert ids((await look(cloud, clusters=(LOST,))).ours) == {group}


async def test_a_removed_environment_has_nothing_left(cloud: Cloud) -> None:
    identity = await vpc(cloud)
    await cloud.ask("DELETE", f"{VPC}/vpcs/{identity}")
    # Scaleway's own are there for ever.
    await cloud.server(name="somebody's")
    assert (await look(cloud)).ours == []


async def test_an_answer_that_fails_proves_nothing(cloud: Cloud) -> None:
    await cloud.ask("POST", "/rehearsal/faults", {"answer": 503, "seconds": 60, "path": "/vpc/"})
    with pytest.raises(UnprovenError, match=r"nothing is proven: VPC.*unavailable.*; try again"):
        await look(cloud)


async def test_a_wrong_key_is_named_once(cloud: Cloud) -> None:
    own = settings(cloud)
    wrong = own.model_copy(
        update={"scaleway": own.scaleway.model_copy(update={"secret_key": Secret(str(uuid.uuid4()))})}
    )
    with pytest.raises(UnprovenError) as caught:
        await asyncio.to_thread(survey, wrong)
    assert str(caught.value).count("refuses the API key") == 1


async def test_an_api_out_of_reach_is_named_once(cloud: Cloud) -> None:
    own = settings(cloud)
    nowhere = own.model_copy(update={"scaleway": own.scaleway.model_copy(update={"api_url": "http://127.0.0.1:1"})})
    with pytest.raises(UnprovenError) as caught:
        await asyncio.to_thread(survey, nowhere)
    assert str(caught.value).count("http://127.0.0.1:1 does not answer") == 1


async def test_the_command_names_it_with_its_status(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def read(_stack: Stack) -> Settings:
        return settings(cloud)

    monkeypatch.setattr(leftovers_command, "settings_of", read)
    monkeypatch.setenv("COLUMNS", "200")
    assert await asyncio.to_thread(run, ["leftovers", "dev"]) == 0
    assert capsys.readouterr().out == "Nothing of the environment dev is left at Scaleway.\n"
    identity = await vpc(cloud)
    assert await asyncio.to_thread(run, ["leftovers", "dev"]) == 1
    printed = capsys.readouterr().out
    assert identity in printed
    assert "has the tag environment=dev" in printed
