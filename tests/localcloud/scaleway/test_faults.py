"""A tester orders trouble, and gets just that."""

from __future__ import annotations

import asyncio

import pytest

from tests.localcloud.scaleway.cloud import K8S, VPC, Cloud, until

FAULTS = "/rehearsal/faults"


async def _statuses(cloud: Cloud, times: int, method: str = "GET", path: str = f"{VPC}/vpcs") -> list[int]:
    return [(await cloud.ask(method, path)).status for _ in range(times)]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_the_next_requests_get_a_fault_and_those_after_do_not(cloud: Cloud, status: int) -> None:
    assert (await cloud.ask("POST", FAULTS, {"answer": status, "requests": 2})).status == 204
    assert await _statuses(cloud, 3) == [status, status, 200]


async def test_a_fault_says_that_it_was_ordered(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": 429, "requests": 1})
    answer = await cloud.ask("GET", f"{VPC}/vpcs")
    assert answer.body == {
        "type": "too_many_requests",
        "message": "too many requests: the rehearsal ordered this fault",
    }


async def test_a_request_that_is_hit_changes_nothing(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": 503, "requests": 1})
    assert (await cloud.ask("POST", f"{VPC}/vpcs", {"name": "vpc"})).status == 503
    assert (await cloud.ask("GET", f"{VPC}/vpcs")).body["total_count"] == 0


async def test_a_fault_for_a_while_hits_until_it_is_taken_back(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": 503, "seconds": 600})
    assert await _statuses(cloud, 5) == [503] * 5
    await cloud.ask("DELETE", FAULTS)
    assert await _statuses(cloud, 1) == [200]


async def test_a_fault_for_a_while_ends_by_itself(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": 503, "seconds": 1})
    while await _statuses(cloud, 1) == [503]:
        pass
    assert (await cloud.ask("GET", FAULTS)).body == {"faults": []}


async def test_a_fault_hits_only_the_method_and_the_paths_it_is_for(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": 503, "requests": 1, "method": "get", "path": "/k8s/"})
    assert await _statuses(cloud, 2) == [200, 200]
    assert await _statuses(cloud, 1, "POST", f"{K8S}/clusters") == [400]
    assert await _statuses(cloud, 2, path=f"{K8S}/versions") == [503, 200]


async def test_what_is_still_to_come_is_listed(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": 429, "requests": 3, "path": "/vpc/"})
    await cloud.ask("POST", FAULTS, {"answer": "timeout", "requests": 1, "path": "/k8s/"})
    await _statuses(cloud, 1)
    assert (await cloud.ask("GET", FAULTS)).body["faults"] == [
        {"answer": 429, "requests": 2, "seconds": None, "method": "", "path": "/vpc/"},
        {"answer": "timeout", "requests": 1, "seconds": None, "method": "", "path": "/k8s/"},
    ]


async def test_silence_lasts_until_it_is_taken_back(cloud: Cloud) -> None:
    await cloud.ask("POST", FAULTS, {"answer": "timeout", "requests": 1})
    silent = asyncio.create_task(cloud.ask("GET", f"{VPC}/vpcs"))
    while (await cloud.ask("GET", FAULTS)).body["faults"]:
        pass
    assert not silent.done()
    await cloud.ask("DELETE", FAULTS)
    assert (await silent).status == 504


@pytest.mark.parametrize(
    ("body", "argument"),
    [
        ({"answer": 200, "requests": 1}, "answer"),
        ({"answer": "never", "requests": 1}, "answer"),
        ({"answer": 503}, "requests"),
        ({"answer": 503, "requests": 1, "seconds": 1}, "requests"),
        ({"answer": 503, "requests": 0}, "requests"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(cloud: Cloud, body: dict[str, object], argument: str) -> None:
    answer = await cloud.ask("POST", FAULTS, body)
    assert (answer.status, answer.body["details"][0]["argument_name"]) == (400, argument)


async def test_only_who_has_the_key_orders_faults(cloud: Cloud) -> None:
    assert (await cloud.ask("POST", FAULTS, {"answer": 503, "requests": 1}, token=None)).status == 401
    assert await _statuses(cloud, 1) == [200]


async def test_the_next_machine_can_be_told_never_to_boot(cloud: Cloud) -> None:
    assert (await cloud.ask("POST", FAULTS, {"never_boot": True})).status == 204
    assert cloud.machines.boots_to_fail == 1


async def test_a_pool_can_be_left_without_nodes_and_gets_them_when_that_is_taken_back(cloud: Cloud) -> None:
    cluster = await cloud.cluster(await cloud.network())
    await until(cloud, f"{K8S}/clusters/{cluster}", status="pool_required")
    assert (await cloud.ask("POST", FAULTS, {"no_nodes": True})).status == 204
    pool = await cloud.made(f"{K8S}/clusters/{cluster}/pools", {"name": "main", "node_type": "PRO2-XXS", "size": 1})
    assert (await cloud.ask("GET", f"{K8S}/pools/{pool}")).body["status"] == "scaling"
    assert (await cloud.ask("GET", f"{K8S}/clusters/{cluster}/nodes")).body["nodes"] == []
    await cloud.ask("DELETE", FAULTS)
    await until(cloud, f"{K8S}/pools/{pool}", status="ready")


async def test_the_quota_of_load_balancers_can_be_used_up(cloud: Cloud) -> None:
    cluster = await cloud.cluster(await cloud.network())
    await cloud.ask("POST", FAULTS, {"no_load_balancers": True})
    with pytest.raises(LookupError, match="Quota exceeded"):
        await cloud.api.acquire(cluster, "service", None, None)
    await cloud.ask("DELETE", FAULTS)
    assert await cloud.api.acquire(cluster, "service", None, None)


async def test_a_load_balancer_does_not_find_an_address_of_another_zone(cloud: Cloud) -> None:
    cluster = await cloud.cluster(await cloud.network())
    reserved = await cloud.made("/lb/v1/zones/fr-par-2/ips", {})
    with pytest.raises(LookupError, match=r"no load balancer IP .* in fr-par-1"):
        await cloud.api.acquire(cluster, "service", reserved, None)
    assert await cloud.api.acquire(cluster, "service", reserved, "fr-par-2")


async def test_what_is_there_is_counted_without_what_scaleway_makes_itself(cloud: Cloud) -> None:
    server = await cloud.server()
    cluster = await cloud.cluster(await cloud.network())
    await until(cloud, f"{K8S}/clusters/{cluster}", status="pool_required")
    state = (await cloud.ask("GET", "/rehearsal/state")).body
    assert server
    counted = {name: count for name, count in state.items() if count}
    assert counted == {"servers": 1, "local_volumes": 1, "private_networks": 1, "clusters": 1}
