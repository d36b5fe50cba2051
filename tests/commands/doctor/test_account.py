"""The API key and its rights, the quotas and the types, by the stand-in's faults: one line for each."""

from __future__ import annotations

import datetime

import pytest

from cli.doctor import api_key, instance_types, quotas
from cli.doctor.lines import Line, State
from common.permissions import PERMISSION_SETS, features
from tests.commands.doctor.site import Site


def only(lines: list[Line], state: State) -> Line:
    """The one line of a state."""
    (line,) = [line for line in lines if line.state is state]
    return line


def needed(site: Site) -> list[str]:
    return [each.name for feature in features(site.settings) for each in PERMISSION_SETS[feature]]


def test_the_owner_s_key_may_do_everything(site: Site) -> None:
    assert [line.state for line in api_key.check(site.environment)] == [State.OK, State.OK]


def test_a_key_that_has_expired_fails_once(site: Site) -> None:
    site.api.account(expires_at="2026-01-01T00:00:00Z")
    status, printed = site.doctor()
    assert status == 1
    assert "refused: it has expired" in printed
    assert "1 failures" in printed
    assert "not looked at, for the API key is refused" in " ".join(printed.split())


def test_a_key_that_scaleway_does_not_know_fails(site: Site) -> None:
    site.tree["scaleway"]["secretKey"] = "11111111-2222-4333-8444-777777777777"
    line = only(list(api_key.check(site.environment)), State.FAILURE)
    assert line.found == "refused: Scaleway does not know it"
    assert "https://console.scaleway.com/iam/api-keys" in line.mend


def test_an_access_key_of_another_key_fails(site: Site) -> None:
    site.tree["scaleway"]["accessKey"] = "SCWAAAAAAAAAAAAAAAAA"
    assert "not that of the secret key" in only(list(api_key.check(site.environment)), State.FAILURE).found


def test_a_key_that_ends_during_the_event_is_a_warning(site: Site) -> None:
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    site.api.account(expires_at=tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ"))
    line = only(list(api_key.check(site.environment)), State.WARNING)
    assert "before an event of 2 days" in line.found
    later = tomorrow + datetime.timedelta(days=30)
    site.api.account(expires_at=later.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert {line.state for line in api_key.check(site.environment)} == {State.OK}


def test_an_application_with_all_that_is_needed_passes(site: Site) -> None:
    site.api.account(permission_sets=[*needed(site), "IAMReadOnly", "OrganizationReadOnly"])
    assert {line.state for line in api_key.check(site.environment)} == {State.OK}
    site.api.account(permission_sets=["AllProductsFullAccess", "IAMManager"])
    assert {line.state for line in api_key.check(site.environment)} == {State.OK}


def test_the_organisation_need_not_be_set(site: Site) -> None:
    del site.tree["scaleway"]["organizationId"]
    assert {line.state for line in quotas.check(site.environment)} == {State.OK}
    site.api.account(permission_sets=[*needed(site), "IAMReadOnly", "OrganizationReadOnly"])
    assert {line.state for line in api_key.check(site.environment)} == {State.OK}
    assert {line.state for line in quotas.check(site.environment)} == {State.OK}


@pytest.mark.parametrize("name", ["KubernetesFullAccess", "DomainsDNSFullAccess", "VPCGatewayFullAccess"])
def test_a_key_without_a_permission_set_fails(site: Site, name: str) -> None:
    others = [each for each in needed(site) if each != name]
    site.api.account(permission_sets=[*others, name.replace("FullAccess", "ReadOnly"), "IAMReadOnly"])
    line = only(list(api_key.check(site.environment)), State.FAILURE)
    assert line.found.startswith(f"{name} is missing: ")
    assert line.mend == "grant it at https://console.scaleway.com/iam/policies"


def test_a_key_that_may_not_look_at_its_own_rights_is_a_warning(site: Site) -> None:
    site.api.account(permission_sets=needed(site))
    found = list(api_key.check(site.environment))
    assert only(found, State.WARNING).found == "cannot be looked at: the key lacks IAMReadOnly"
    assert "OrganizationReadOnly" in only(list(quotas.check(site.environment)), State.WARNING).found


def test_the_stand_in_refuses_what_a_key_may_not(site: Site) -> None:
    site.api.account(permission_sets=["InstancesReadOnly"])
    assert site.api.ask("GET", "/instance/v1/zones/fr-par-1/servers").status == 200
    refused = site.api.ask("POST", "/instance/v1/zones/fr-par-1/servers", {})
    assert (refused.status, refused.body["type"]) == (403, "permissions_denied")
    assert site.api.ask("GET", "/k8s/v1/regions/fr-par/clusters").status == 403


def test_quotas_that_are_large_enough_are_one_line(site: Site) -> None:
    assert [line.state for line in quotas.check(site.environment)] == [State.OK]


@pytest.mark.parametrize(
    ("quota", "limit", "found"),
    [
        ("cp_servers_type_PLAY2_MICRO", 0, "PLAY2-MICRO in nl-ams-2: 0 allowed, 1 needed at the start"),
        ("cp_servers_type_PRO2_XXS", 1, "PRO2-XXS in nl-ams-1: 1 allowed, 2 needed at the start"),
        ("k8s_clusters", 1, "Kubernetes Kapsule in nl-ams: 1 allowed, 2 needed at the start"),
        ("lbs", 1, "Load Balancers in nl-ams-2: 1 allowed, 2 needed at the start"),
        ("vpc_private_networks", 2, "Private Networks in nl-ams: 2 allowed, 3 needed at the start"),
        ("vpc_public_gateways", 0, "Public Gateways in nl-ams-2: 0 allowed, 1 needed at the start"),
        ("instance_ips", 1, "Instances IPs in nl-ams-2: 1 allowed, 2 needed at the start"),
        ("local_storage_gb", 10, "Local Storage total size in GB in nl-ams-2: 10 allowed, 40 needed at the start"),
    ],
)
def test_a_quota_that_is_too_small_fails(site: Site, quota: str, limit: int, found: str) -> None:
    site.api.account(quotas={quota: limit})
    line = only(list(quotas.check(site.environment)), State.FAILURE)
    assert line.found == found
    assert line.mend == "ask for more at https://console.scaleway.com/organization/quotas"


def test_a_quota_that_autoscaling_would_pass_is_a_warning(site: Site) -> None:
    site.api.account(quotas={"cp_servers_type_PRO2_XXS": 3})
    found = only(list(quotas.check(site.environment)), State.WARNING).found
    assert found == "PRO2-XXS in nl-ams-1: 3 allowed, 4 needed with every pool at its largest"


def test_a_quota_that_the_api_does_not_name_is_a_warning(site: Site) -> None:
    site.api.account(quotas={"lbs": -1})
    found = only(list(quotas.check(site.environment)), State.WARNING).found
    assert found == "Load Balancers: 2 needed, and the API names no quota so"


def test_a_type_out_of_stock_fails_and_names_others(site: Site) -> None:
    site.api.account(stock={"PRO2-XXS": "shortage", "DEV1-L": "shortage"})
    lines = [line for line in instance_types.check(site.environment) if line.state is State.FAILURE]
    assert [line.what for line in lines] == ["type PRO2-XXS", "type PRO2-XXS"]
    assert lines[0].found == ("is out of stock in nl-ams-2; in stock and no smaller: PLAY2-MICRO, DEV1-XL, POP2-2C-8G")
    assert "shambhala:boards.green.pools.main.nodeType" in lines[0].mend


def test_a_type_that_is_scarce_is_a_warning(site: Site) -> None:
    site.api.account(stock={"PLAY2-MICRO": "scarce"})
    assert only(list(instance_types.check(site.environment)), State.WARNING).found.startswith("is scarce in nl-ams-2")


def test_a_type_that_the_zone_has_not_fails(site: Site) -> None:
    site.tree["gamemaster"]["type"] = "PLAY2-MACRO"
    line = only(list(instance_types.check(site.environment)), State.FAILURE)
    assert line.found.startswith("nl-ams-2 has no such type")
    assert "PLAY2-MICRO" in line.found
