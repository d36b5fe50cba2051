"""What holds for every component of the platform."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import example, programs
from tests.support.monitor import Graph, graph_of

PROGRAMS = [
    programs.game_master_with_dns_records,
    programs.board,
    programs.managed_board,
    programs.observability,
    programs.game_app,
    programs.game_app_with_delivery,
    programs.game_app_at_github,
    programs.registry_of_its_own,
]


SECRETS = (programs.SECRET, example.ADMIN_PASSWORD, *example.SECRETS)


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.__name__)
def graph(request: pytest.FixtureRequest, preview: bool) -> Graph:
    program: Callable[[], object] = request.param
    return graph_of(program, preview)


def test_every_resource_has_a_component_as_its_parent(graph: Graph) -> None:
    components = {component.name for component in graph.components}
    orphans = [
        resource.name
        for resource in graph.resources.values()
        if resource.custom and not resource.type.startswith("pulumi:providers:") and resource.parent not in components
    ]
    assert orphans == []


def test_every_resource_has_an_explicit_provider(graph: Graph) -> None:
    without = [
        resource.name
        for resource in graph.resources.values()
        if resource.custom and not resource.type.startswith("pulumi:providers:") and not resource.provider
    ]
    assert without == []


def test_every_component_carries_the_projects_type_token_and_registers_its_outputs(graph: Graph) -> None:
    for component in graph.components:
        assert component.type.startswith("shambhala:"), component.type
        assert component.type.count(":") == 2, component.type
        assert graph.outputs.get(component.name), f"{component.name} registered no outputs"


def test_no_input_holds_a_secret_in_the_clear(graph: Graph) -> None:
    for resource in graph.resources.values():
        for key, value in resource.inputs.items():
            marked = any(secret == key or secret.startswith((f"{key}.", f"{key}[")) for secret in resource.secrets)
            shown = [secret for secret in SECRETS if repr(secret)[1:-1] in repr(value)]
            assert marked or not shown, f"{resource.name}.{key} shows a secret"


def test_every_release_is_pinned_atomic_and_bounded_in_time_and_revisions(graph: Graph) -> None:
    for release in graph.of_type("kubernetes:helm.sh/v3:Release"):
        assert release.inputs["version"]
        assert release.inputs["atomic"] is True
        assert release.inputs["timeout"] == 600
        # All of them in 25 changes would fill the etcd of a shared control plane.
        assert 2 <= release.inputs["maxHistory"] <= 10


SMALLEST_VOLUME = 5 * 10**9
"""Bytes of the smallest volume that Block Storage (SBS) makes."""


def test_no_claim_is_smaller_than_what_scaleway_sells(graph: Graph) -> None:
    claims = [each.inputs["spec"] for each in graph.of_type("kubernetes:core/v1:PersistentVolumeClaim")]
    for stateful_set in graph.of_type("kubernetes:apps/v1:StatefulSet"):
        claims += [each["spec"] for each in stateful_set.inputs["spec"].get("volumeClaimTemplates", [])]
    sizes = [claim["resources"]["requests"]["storage"] for claim in claims]
    units = {"G": 10**9, "Gi": 2**30}
    for size in sizes:
        number = size.rstrip("Gi")
        assert int(number) * units[size.removeprefix(number)] >= SMALLEST_VOLUME, size


def test_no_secret_is_empty_since_kubernetes_drops_that_and_each_update_would_put_it_back(graph: Graph) -> None:
    for resource in graph.of_type("kubernetes:core/v1:Secret"):
        assert resource.inputs.get("stringData") != {}, resource.name
        assert resource.inputs.get("data") != {}, resource.name
