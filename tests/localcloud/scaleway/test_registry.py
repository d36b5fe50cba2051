"""Namespaces of the container registry, and the IAM application that may use them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.localcloud.scaleway.cloud import REGION, Cloud, until_gone

NAMESPACES = f"/registry/v1/regions/{REGION}/namespaces"
IAM = "/iam/v1alpha1"
NOBODY = str(uuid.UUID(int=1))


async def application(cloud: Cloud, **fields: object) -> str:
    body = {"name": "pushes", "organization_id": cloud.credentials.organization_id, **fields}
    return await cloud.made(f"{IAM}/applications", body)


def policy(cloud: Cloud, **fields: object) -> dict[str, object]:
    rule = {"permission_set_names": ["ContainerRegistryFullAccess"], "project_ids": [cloud.credentials.project_id]}
    organization = cloud.credentials.organization_id
    return {"name": "registry", "organization_id": organization, "rules": [rule], "no_principal": True, **fields}


async def test_a_namespace_is_reached_by_its_name_and_is_private_unless_told(cloud: Cloud) -> None:
    answer = await cloud.ask("POST", NAMESPACES, {"name": "game"})
    assert answer.body["endpoint"] == f"rg.{REGION}.scw.cloud/game"
    assert answer.body["is_public"] is False
    assert answer.body["organization_id"] == cloud.credentials.organization_id
    listed = await cloud.ask("GET", f"{NAMESPACES}?name=game")
    assert [each["id"] for each in listed.body["namespaces"]] == [answer.id]
    assert (await cloud.ask("GET", f"{NAMESPACES}?name=gam")).body["total_count"] == 0


@pytest.mark.parametrize("name", ["game", "with_underscore", "Capital"])
async def test_a_name_that_is_taken_and_one_that_cannot_be_are_refused_by_the_same_words(
    cloud: Cloud, name: str
) -> None:
    await cloud.made(NAMESPACES, {"name": "game"})
    answer = await cloud.ask("POST", NAMESPACES, {"name": name})
    assert (answer.status, answer.body) == (409, {"message": "Namespace already exist"})


async def test_a_namespace_says_in_its_own_way_that_it_is_not_there(cloud: Cloud) -> None:
    answer = await cloud.ask("GET", f"{NAMESPACES}/{NOBODY}")
    assert (answer.status, answer.body) == (404, {"message": "Namespace was not found"})
    identity = await cloud.made(NAMESPACES, {"name": "game"})
    assert (await cloud.ask("GET", f"/registry/v1/regions/nl-ams/namespaces/{identity}")).status == 404


async def test_a_namespace_is_going_before_it_is_gone_and_its_name_is_free_again_then(cloud: Cloud) -> None:
    identity = await cloud.made(NAMESPACES, {"name": "game"})
    answer = await cloud.ask("DELETE", f"{NAMESPACES}/{identity}")
    assert (answer.status, answer.body["status"]) == (200, "deleting")
    await until_gone(cloud, f"{NAMESPACES}/{identity}")
    await cloud.made(NAMESPACES, {"name": "game"})


async def test_what_was_made_is_there_for_the_next_process(cloud: Cloud) -> None:
    paths = [
        f"{NAMESPACES}/{await cloud.made(NAMESPACES, {'name': 'game'})}",
        f"{IAM}/applications/{await application(cloud)}",
        f"{IAM}/policies/{await cloud.made(f'{IAM}/policies', policy(cloud))}",
    ]
    before = [(await cloud.ask("GET", path)).body for path in paths]
    await cloud.restart()
    assert [(await cloud.ask("GET", path)).body for path in paths] == before


async def test_the_secret_half_of_a_key_is_told_once(cloud: Cloud) -> None:
    bearer = await application(cloud)
    made = (await cloud.ask("POST", f"{IAM}/api-keys", {"application_id": bearer})).body
    assert uuid.UUID(made["secret_key"])
    shown = (await cloud.ask("GET", f"{IAM}/api-keys/{made['access_key']}")).body
    assert shown == {**made, "secret_key": None}
    organization = cloud.credentials.organization_id
    listed = await cloud.ask("GET", f"{IAM}/api-keys?organization_id={organization}&bearer_id={bearer}")
    assert listed.body["api_keys"] == [shown]
    saved = (cloud.session.home / "scaleway.json").read_text()
    assert made["secret_key"] not in saved


async def test_the_key_that_asks_is_among_the_organizations_and_cannot_be_removed_by_itself(cloud: Cloud) -> None:
    own = cloud.credentials
    listed = await cloud.ask("GET", f"{IAM}/api-keys?organization_id={own.organization_id}&bearer_type=user")
    assert [each["access_key"] for each in listed.body["api_keys"]] == [own.access_key]
    assert (await cloud.ask("DELETE", f"{IAM}/api-keys/{own.access_key}")).status == 404


@pytest.mark.parametrize(
    ("ends", "reason"),
    [("2020-01-01T00:00:00Z", "constraint"), ("tomorrow", "format"), ("2035-01-01T00:00:00", "format")],
)
async def test_a_key_ends_in_the_future_or_never(cloud: Cloud, ends: str, reason: str) -> None:
    body = {"application_id": await application(cloud), "expires_at": ends}
    answer = await cloud.ask("POST", f"{IAM}/api-keys", body)
    assert answer.status == 400
    assert [(each["argument_name"], each["reason"]) for each in answer.body["details"]] == [("expires_at", reason)]
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert (await cloud.ask("POST", f"{IAM}/api-keys", {**body, "expires_at": later})).status == 200


async def test_an_application_takes_its_keys_along_and_leaves_its_policies_to_nobody(cloud: Cloud) -> None:
    bearer = await application(cloud)
    key = (await cloud.ask("POST", f"{IAM}/api-keys", {"application_id": bearer})).body["access_key"]
    body = {**policy(cloud), "application_id": bearer}
    del body["no_principal"]
    identity = await cloud.made(f"{IAM}/policies", body)
    assert (await cloud.ask("GET", f"{IAM}/applications/{bearer}")).body["nb_api_keys"] == 1
    assert (await cloud.ask("DELETE", f"{IAM}/applications/{bearer}")).status == 204
    gone = await cloud.ask("GET", f"{IAM}/api-keys/{key}")
    assert (gone.status, gone.body["resource"], gone.body["resource_id"]) == (404, "access_key", key)
    left = (await cloud.ask("GET", f"{IAM}/policies/{identity}")).body
    assert left["no_principal"] is True
    assert "application_id" not in left


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"application_id": NOBODY}, "principal"),
        ({"rules": [{"permission_set_names": ["ContainerRegistryFullAccess"]}]}, "project_ids"),
        ({"rules": [{"project_ids": [NOBODY]}]}, "permission_set_names"),
        ({"rules": [{"permission_set_names": ["IAMManager"], "project_ids": [NOBODY]}]}, "permission_set_names"),
        ({"name": "n" * 65}, "name"),
        ({"organization_id": ""}, "organization_id"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(cloud: Cloud, change: dict[str, object], wrong: str) -> None:
    answer = await cloud.ask("POST", f"{IAM}/policies", policy(cloud, **change))
    assert (answer.status, answer.body["details"][0]["argument_name"]) == (400, wrong)


async def test_a_policy_says_how_wide_it_is(cloud: Cloud) -> None:
    identity = await cloud.made(f"{IAM}/policies", policy(cloud))
    shown = (await cloud.ask("GET", f"{IAM}/policies/{identity}")).body
    assert (shown["nb_rules"], shown["nb_scopes"], shown["nb_permission_sets"]) == (1, 1, 1)
    [rule] = (await cloud.ask("GET", f"{IAM}/rules?policy_id={identity}")).body["rules"]
    assert rule["permission_sets_scope_type"] == "projects"
    assert rule["project_ids"] == [cloud.credentials.project_id]
    rules = [{"permission_set_names": ["IAMReadOnly"], "organization_id": cloud.credentials.organization_id}]
    await cloud.ask("PUT", f"{IAM}/rules", {"policy_id": identity, "rules": rules})
    [rule] = (await cloud.ask("GET", f"{IAM}/rules?policy_id={identity}")).body["rules"]
    assert (rule["permission_sets_scope_type"], "project_ids" in rule) == ("organization", False)


@pytest.mark.parametrize("kind", ["applications", "policies", "api-keys"])
async def test_another_organization_is_not_ones_own(cloud: Cloud, kind: str) -> None:
    answer = await cloud.ask("GET", f"{IAM}/{kind}?organization_id={NOBODY}")
    assert (answer.status, answer.body["type"]) == (403, "permissions_denied")


async def test_a_project_of_somebody_else_can_be_opened_to_nobody(cloud: Cloud) -> None:
    rule = {"permission_set_names": ["ContainerRegistryFullAccess"], "project_ids": [NOBODY]}
    assert (await cloud.ask("POST", f"{IAM}/policies", policy(cloud, rules=[rule]))).status == 403


async def test_tags_and_names_narrow_a_list_down_and_pages_cut_it(cloud: Cloud) -> None:
    made = [await application(cloud, name=f"a{number}", tags=["a", f"n={number}"]) for number in range(3)]
    base = f"{IAM}/applications?organization_id={cloud.credentials.organization_id}"
    for query, expected in [("&name=a1", made[1:2]), ("&tag=n=2", made[2:]), ("&page=2&page_size=2", made[2:])]:
        answer = await cloud.ask("GET", base + query)
        assert [each["id"] for each in answer.body["applications"]] == expected, query


async def test_an_ordered_fault_hits_the_registry_too(cloud: Cloud) -> None:
    await cloud.ask("POST", "/rehearsal/faults", {"answer": 503, "requests": 1, "path": "/registry/"})
    assert (await cloud.ask("POST", NAMESPACES, {"name": "game"})).status == 503
    assert (await cloud.ask("POST", NAMESPACES, {"name": "game"})).status == 200
