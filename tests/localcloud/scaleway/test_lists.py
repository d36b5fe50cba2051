from __future__ import annotations

import pytest

from tests.localcloud.scaleway.cloud import INSTANCE, VPC, Cloud


async def _twelve_ips(cloud: Cloud) -> list[str]:
    return [await cloud.made(f"{INSTANCE}/ips", {}) for _ in range(12)]


async def test_pages_hold_everything_once(cloud: Cloud) -> None:
    made = await _twelve_ips(cloud)
    seen: list[str] = []
    for number in (1, 2, 3):
        answer = await cloud.ask("GET", f"{INSTANCE}/ips?page={number}&per_page=5")
        assert answer.headers["X-Total-Count"] == "12"
        seen += [ip["id"] for ip in answer.body["ips"]]
    assert seen == made


async def test_other_products_count_in_the_body_too(cloud: Cloud) -> None:
    for number in range(3):
        await cloud.made(f"{VPC}/vpcs", {"name": f"vpc-{number}"})
    answer = await cloud.ask("GET", f"{VPC}/vpcs?page=2&page_size=2")
    assert [vpc["name"] for vpc in answer.body["vpcs"]] == ["vpc-2"]
    assert answer.body["total_count"] == 3
    assert answer.headers["X-Total-Count"] == "3"


async def test_a_page_after_the_last_is_empty(cloud: Cloud) -> None:
    await cloud.made(f"{INSTANCE}/ips", {})
    answer = await cloud.ask("GET", f"{INSTANCE}/ips?page=2")
    assert (answer.body, answer.headers["X-Total-Count"]) == ({"ips": []}, "1")


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=-1"])
async def test_a_page_that_cannot_be_is_refused(cloud: Cloud, query: str) -> None:
    answer = await cloud.ask("GET", f"{INSTANCE}/ips?{query}")
    assert (answer.status, answer.body["details"][0]["argument_name"]) == (400, query.partition("=")[0])


async def test_tags_narrow_a_list_down(cloud: Cloud) -> None:
    await cloud.made(f"{VPC}/vpcs", {"name": "one", "tags": ["a", "b"]})
    await cloud.made(f"{VPC}/vpcs", {"name": "two", "tags": ["a"]})
    answer = await cloud.ask("GET", f"{VPC}/vpcs?tags=a&tags=b")
    assert [vpc["name"] for vpc in answer.body["vpcs"]] == ["one"]
