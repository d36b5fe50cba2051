"""Where a board's own API answers its pods: found on the board, never asked for."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi_kubernetes.core.v1.outputs import EndpointAddress, EndpointPort, EndpointSubset

from common.kubernetes_api import NoApiServerError, cidrs_of, ports_of
from tests.support import monitor, programs
from tests.support.monitor import Graph, graph_of, run
from tests.support.policies import rules

ENDPOINTS = "kubernetes:core/v1:Endpoints"
FOUND = monitor.COMPUTED[ENDPOINTS]["subsets"][0]["addresses"][0]["ip"]
OPEN = ("game-hunt", "game-scm", "game-delivery-runners", "game-delivery-cd-team-red", "game-delivery-cd-portal")
"""What has business with the API."""
CLOSED = ("game", "game-delivery-buildkit", "game-delivery-cd-portal")
"""What reaches public addresses, of which the API's is one."""


@pytest.fixture
def graph(preview: bool) -> Graph:
    return graph_of(programs.game_app_with_delivery, preview)


def egress(graph: Graph, name: str) -> list[dict[str, Any]]:
    return rules(graph, name, "egress")


def subset(*addresses: str, port: int = 6443) -> EndpointSubset:
    return EndpointSubset(addresses=[EndpointAddress(ip=each) for each in addresses], ports=[EndpointPort(port=port)])


def test_it_is_read_from_the_board_by_the_boards_own_provider(graph: Graph) -> None:
    assert graph.reads == {f"{ENDPOINTS} default/kubernetes": ("board-api", "board")}
    assert ENDPOINTS not in {each.type for each in graph.resources.values()}, "read, and neither made nor removed"


@pytest.mark.parametrize("name", OPEN)
def test_who_has_business_with_it_reaches_its_very_addresses_and_ports(name: str) -> None:
    allowed = egress(graph_of(programs.game_app_with_delivery, False), name)
    expected = {"to": [{"ipBlock": {"cidr": f"{FOUND}/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    assert expected in allowed


@pytest.mark.parametrize("name", OPEN)
def test_before_the_board_is_there_a_preview_says_that_they_are_not_known(name: str) -> None:
    allowed = egress(graph_of(programs.game_app_with_delivery, True), name)
    unknown = [rule for rule in allowed if not isinstance(rule["to"], list)]
    assert len(unknown) == 1, "the rest of the policy is known"


@pytest.mark.parametrize("name", CLOSED)
def test_the_way_to_public_addresses_leaves_the_api_out(name: str) -> None:
    allowed = egress(graph_of(programs.game_app_with_delivery, False), name)
    blocks = [peer["ipBlock"] for rule in allowed for peer in rule["to"] if "ipBlock" in peer]
    [anywhere] = [block for block in blocks if block["cidr"] == "0.0.0.0/0"]
    assert {f"{FOUND}/32", "10.0.0.0/8", "169.254.0.0/16"} <= {*anywhere["except"]}


def test_addresses_that_changed_change_the_policies_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def written(graph: Graph) -> dict[str, str]:
        return {name: repr(each.inputs) for name, each in graph.resources.items()}

    before = written(run(programs.game_app_with_delivery, preview=False))
    moved = [{"addresses": [{"ip": "198.51.100.77"}, {"ip": "198.51.100.21"}], "ports": [{"port": 443}]}]
    monkeypatch.setitem(monitor.COMPUTED, ENDPOINTS, {"subsets": moved})
    after = written(run(programs.game_app_with_delivery, preview=False))
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert {name.partition("-namespace-")[2] for name in changed} == {"allow-kubernetes-api", "allow-https-internet"}
    assert "198.51.100.77/32" in after["game-hunt-namespace-allow-kubernetes-api"]


def test_every_address_and_port_counts_once_in_an_order_that_does_not_change() -> None:
    subsets = [subset("198.51.100.21", "198.51.100.20"), subset("198.51.100.20", port=443)]
    assert cidrs_of(subsets) == ["198.51.100.20/32", "198.51.100.21/32"]
    assert ports_of(subsets) == [443, 6443]


@pytest.mark.parametrize("subsets", [None, [], [EndpointSubset()]])
def test_a_board_that_names_no_address_is_not_shut_off_but_told_of(subsets: list[EndpointSubset] | None) -> None:
    for read in (cidrs_of, ports_of):
        with pytest.raises(NoApiServerError, match=r"kubectl --namespace default get endpoints kubernetes.*make up"):
            read(subsets)
