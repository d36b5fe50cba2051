"""The rows of `make cost` are what the program makes: nothing that is billed is left out of them, nothing made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import pytest
from pulumi.runtime import set_all_config

from cli.cost.billed_resources import claims, rows
from cli.cost.scaleway_prices import PriceList, Product
from common.settings import parse
from tests.support.example import Tree, complete
from tests.support.monitor import Graph, graph_of
from tests.unit.test_program import program

FREE = {
    "domain/record:Record",
    "iam/apiKey:ApiKey",
    "iam/application:Application",
    "iam/policy:Policy",
    "instance/securityGroup:SecurityGroup",
    "kubernetes/acl:Acl",
    "network/gatewayNetwork:GatewayNetwork",
    "network/privateNetwork:PrivateNetwork",
    "network/vpc:Vpc",
    # Its images are billed, by what is stored.
    "registry/namespace:Namespace",
}
BILLED = {
    "instance/server:Server": Product.INSTANCE,
    "instance/ip:Ip": Product.IP,
    "kubernetes/cluster:Cluster": Product.CONTROL_PLANE,
    "kubernetes/pool:Pool": Product.INSTANCE,
    "loadbalancers/ip:Ip": Product.LOAD_BALANCER_IP,
    "network/publicGateway:PublicGateway": Product.GATEWAY,
    "network/publicGatewayIp:PublicGatewayIp": Product.GATEWAY_IP,
}
UNITS = {"Gi": Decimal(2**30) / 10**9, "G": Decimal(1)}


@pytest.fixture
def tree() -> Tree:
    tree = complete()
    tree["observability"]["logs"]["replicas"] = 3
    # No two of Loki's pods share a node.
    for board in tree["boards"].values():
        board["pools"]["other"] = {"nodeType": "PRO2-XXS", "size": 3}
    return tree


@pytest.fixture
def graph(tree: Tree) -> Graph:
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in tree.items()}
    set_all_config({f"shambhala:{key}": value for key, value in values.items()}, [f"shambhala:{key}" for key in values])
    return graph_of(program, preview=False)


def test_every_type_at_scaleway_is_billed_or_free(graph: Graph) -> None:
    types = {each.type.removeprefix("scaleway:") for each in graph.resources.values() if each.package == "scaleway"}
    assert types <= FREE | set(BILLED)


def test_there_are_as_many_rows_as_resources(tree: Tree, graph: Graph) -> None:
    found = list(rows(parse(tree, "dev"), PriceList({})))
    for type_, product in BILLED.items():
        if product in {Product.INSTANCE, Product.IP}:
            continue
        made = len(graph.of_type(f"scaleway:{type_}"))
        assert sum(row.units for row in found if row.product is product) == made, type_
    servers = len(graph.of_type("scaleway:instance/server:Server"))
    nodes = sum(pool.inputs["size"] for pool in graph.of_type("scaleway:kubernetes/pool:Pool"))
    assert sum(row.units for row in found if row.product is Product.INSTANCE) == servers + nodes
    assert sum(row.units for row in found if row.product is Product.LOAD_BALANCER) == 2


def test_the_claims_are_those_of_the_program(tree: Tree, graph: Graph) -> None:
    assert sorted(size for _, size in claims(parse(tree, "dev"))) == sorted(claimed(graph))


def claimed(graph: Graph) -> Iterator[Decimal]:
    """Gigabytes of every volume that an object or a chart of the program claims."""
    for each in graph.of_type("kubernetes:core/v1:PersistentVolumeClaim"):
        yield gigabytes(each.inputs["spec"]["resources"]["requests"]["storage"])
    for each in graph.of_type("kubernetes:apps/v1:StatefulSet"):
        for template in each.inputs["spec"]["volumeClaimTemplates"]:
            yield gigabytes(template["spec"]["resources"]["requests"]["storage"])
    for each in graph.of_type("kubernetes:helm.sh/v3:Release"):
        yield from in_values(each.inputs["values"], 1)


def in_values(values: Any, replicas: int) -> Iterator[Decimal]:
    if not isinstance(values, dict):
        return
    tree = cast("Tree", values)
    replicas = int(tree.get("replicas", replicas))
    for key, value in tree.items():
        if key in {"persistence", "persistentVolume"} and value.get("enabled"):
            yield from replicas * [gigabytes(value["size"])]
        else:
            yield from in_values(value, replicas)


def gigabytes(quantity: str) -> Decimal:
    number, unit = quantity.rstrip("Gi"), quantity.lstrip("0123456789")
    return Decimal(number) * UNITS[unit]
