"""A board, as the engine gets it."""

from __future__ import annotations

from functools import partial

import pytest

from tests.unit import programs
from tests.unit.monitor import Graph, run


@pytest.fixture
def graph(preview: bool) -> Graph:
    return run(programs.board, preview=preview)


def test_a_minor_version_comes_with_the_patch_upgrades_that_scaleway_demands(graph: Graph) -> None:
    cluster = graph["blue-kapsule-cluster"].inputs
    assert cluster["version"] == "1.36"
    assert cluster["autoUpgrade"]["enable"] is True
    assert cluster["deleteAdditionalResources"] is True


def test_the_cluster_lies_in_a_private_network_of_the_platforms_vpc(graph: Graph) -> None:
    assert graph["blue-kapsule-private"].inputs["vpcId"] == "fr-par/vpc"
    assert "blue-kapsule-private" in graph["blue-kapsule-cluster"].depends_on


def test_objects_are_placed_only_once_a_pool_is_ready(graph: Graph) -> None:
    assert graph["blue-kapsule-main"].inputs["waitForPoolReady"] is True
    assert "blue-kapsule-main" in graph["blue-kapsule-provider"].depends_on


def test_the_kubeconfig_is_a_secret(graph: Graph) -> None:
    assert "kubeconfig" in graph["blue-kapsule-provider"].secrets


def test_a_fixed_pool_keeps_its_size_and_an_autoscaled_one_may_change_it(preview: bool) -> None:
    fixed = run(programs.board, preview=preview)["blue-kapsule-main"]
    scaled = run(partial(programs.board, autoscaling=True), preview=preview)["blue-kapsule-main"]
    assert list(fixed.options.ignoreChanges) == []
    assert list(scaled.options.ignoreChanges) == ["size"]


def test_the_api_is_restricted_when_networks_are_named(preview: bool) -> None:
    graph = run(partial(programs.board, api_cidrs=("198.51.100.0/24",)), preview=preview)
    assert graph["blue-kapsule-api-access"].inputs["aclRules"] == [{"ip": "198.51.100.0/24"}]


def test_nothing_restricts_the_api_when_no_network_is_named(graph: Graph) -> None:
    assert graph.of_type("scaleway:kubernetes/acl:Acl") == []


def test_the_ingress_controller_is_served_at_the_reserved_address() -> None:
    graph = run(programs.board, preview=False)
    service = graph["blue-ingress-controller"].inputs["values"]["controller"]["service"]
    # Scaleway's cloud controller wants the bare id, the provider's has the zone before it.
    assert service["annotations"]["service.beta.kubernetes.io/scw-loadbalancer-ip-ids"] == "blue-ingress-ip"


def test_a_chart_from_an_oci_registry_is_named_in_full(graph: Graph) -> None:
    release = graph["blue-ingress-controller"].inputs
    assert release["chart"] == "oci://ghcr.io/nginx/charts/nginx-ingress"
    assert "repositoryOpts" not in release
