"""Whatever the program makes at Scaleway can be found there again after a creation that was cut off."""

from __future__ import annotations

from typing import Any

import pytest

from cli.leftovers.inventory import LISTED, NOT_LISTED
from cli.recover.helm_releases import RELEASE
from cli.recover.pending_operations import UNREADABLE
from common.naming import PROJECT
from tests.support import programs
from tests.support.monitor import Graph, Registered, graph_of
from tests.unit.test_every_component import PROGRAMS

IDENTIFYING = {
    "scaleway:network/gatewayNetwork:GatewayNetwork": {"gatewayId", "privateNetworkId"},
    "scaleway:domain/record:Record": {"dnsZone", "name", "type", "data"},
    "scaleway:registry/namespace:Namespace": {"name"},
    "scaleway:iam/apiKey:ApiKey": {"applicationId", "description"},
}
"""The inputs by which a lookup knows what bears no tags."""


def board_behind_a_gateway() -> object:
    return programs.board(programs.BEHIND_A_GATEWAY)


def made() -> dict[str, list[Registered]]:
    """Everything of Scaleway's that any program makes, by type."""
    graphs: list[Graph] = [graph_of(program, False) for program in (*PROGRAMS, board_behind_a_gateway)]
    found: dict[str, list[Registered]] = {}
    for graph in graphs:
        for resource in graph.resources.values():
            if resource.package == "scaleway":
                found.setdefault(resource.type, []).append(resource)
    return found


def test_every_type_is_looked_up_or_needs_no_lookup_for_a_reason() -> None:
    assert set(made()) <= set(LISTED) | set(NOT_LISTED)
    assert not set(LISTED) & set(NOT_LISTED)
    assert all(len(reason) > 20 for reason in NOT_LISTED.values())


def test_what_is_looked_up_bears_the_programs_tags_or_what_identifies_it() -> None:
    for type_, resources in made().items():
        for resource in resources:
            if type_ in IDENTIFYING:
                assert IDENTIFYING[type_] <= set(resource.inputs), resource.name
            elif type_ in LISTED:
                tags: Any = resource.inputs.get("tags", [])
                assert {PROJECT, "environment=dev"} <= set(tags), resource.name


@pytest.mark.parametrize("table", [LISTED, NOT_LISTED], ids=["listed", "not listed"])
def test_no_lookup_outlives_what_it_was_for(table: Any) -> None:
    assert set(table) <= set(made())


def test_a_helm_release_is_known_by_the_type_that_the_program_makes() -> None:
    graph = graph_of(programs.board, False)
    assert graph.of_type(RELEASE)
    assert set(LISTED) >= UNREADABLE
