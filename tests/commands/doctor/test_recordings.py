"""The stand-in's prices, stock and rights beside what Scaleway answered the provider when it was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from scaleway.product_catalog.v2alpha1 import PublicCatalogProduct
from scaleway.product_catalog.v2alpha1.marshalling import unmarshal_PublicCatalogProduct

from cli.cost import scaleway_prices
from cli.cost.scaleway_prices import Product
from tests.commands.doctor.site import Site
from tests.localcloud.contract.cassettes import interactions
from tests.localcloud.scaleway.cloud import INSTANCE

TYPES = "instance/data-source-server-type-basic"
CATALOG = "/product-catalog/v2alpha1/public-catalog/products"
LEFT_OUT = {"environmental_impact_estimation"}
"""What the stand-in's rows have not, and nobody here reads."""


def answers(cassette: str, path: str) -> Iterator[dict[str, Any]]:
    """Recorded answers to GETs of a path."""
    for each in interactions(cassette):
        if each.method == "GET" and each.path == path and each.status == 200:
            yield cast("dict[str, Any]", json.loads(each.answer))


def every_row(site: Site) -> dict[str, dict[str, Any]]:
    rows = site.api.ask("GET", f"{CATALOG}?page_size=1000").body["products"]
    return {row["sku"]: row for row in rows}


def test_a_row_of_the_catalog_has_the_fields_of_scaleway_s(site: Site) -> None:
    recorded = [row for answer in answers(TYPES, CATALOG) for row in answer["products"]]
    own = every_row(site)["/compute/pro2_xxs/run_fr-par-1"]
    assert recorded
    for row in recorded:
        assert set(row) - LEFT_OUT == set(own)
        assert set(row["price"]["retail_price"]) == set(own["price"]["retail_price"])
        assert set(row["unit_of_measure"]) == set(own["unit_of_measure"])
        assert set(row["properties"]["instance"]) == set(own["properties"]["instance"])


@pytest.mark.parametrize(
    ("query", "skus"),
    [
        ("zone=fr-par-1&product_types=instance&api_ids=PRO2-XXS", {"/compute/pro2_xxs/run_fr-par-1"}),
        ("region=nl-ams&product_types=kubernetes&page_size=1", {"/k8s/control-plane/nl-ams"}),
        ("global=true", {"/ip/reserved", "/storage/local/ssd/storage"}),
        ("api_ids=RENDER-S", set[str]()),
    ],
)
def test_the_catalog_is_filtered_as_scaleway_s(site: Site, query: str, skus: set[str]) -> None:
    assert {row["sku"] for row in site.api.ask("GET", f"{CATALOG}?{query}").body["products"]} == skus


def test_a_type_has_the_price_and_the_stock_s_words_of_scaleway_s(site: Site) -> None:
    types = {
        name: one
        for answer in answers(TYPES, f"{INSTANCE}/products/servers")
        for name, one in answer["servers"].items()
    }
    own = site.api.ask("GET", f"{INSTANCE}/products/servers?per_page=100").body["servers"]
    assert {name: one["hourly_price"] for name, one in own.items() if name in types} == {
        name: pytest.approx(types[name]["hourly_price"], rel=0.01) for name in own if name in types
    }
    path = f"{INSTANCE}/products/servers/availability"
    words = {one["availability"] for answer in answers(TYPES, path) for one in answer["servers"].values()}
    assert words == {"available", "scarce", "shortage"}
    assert site.api.ask("GET", path).body["servers"]["PRO2-XXS"] == {"availability": "available"}


def test_policies_and_rules_have_the_fields_of_scaleway_s(site: Site) -> None:
    site.api.account(permission_sets=["KubernetesFullAccess"])
    application = site.api.ask("GET", f"/iam/v1alpha1/api-keys/{site.tree['scaleway']['accessKey']}")
    assert application.status == 200
    site.api.account(permission_sets=["KubernetesFullAccess", "IAMReadOnly"])
    query = f"organization_id={site.tree['scaleway']['organizationId']}"
    query += f"&application_ids={application.body['application_id']}"
    own = site.api.ask("GET", f"/iam/v1alpha1/policies?{query}")
    (policy,) = own.body["policies"]
    rules = site.api.ask("GET", f"/iam/v1alpha1/rules?policy_id={policy['id']}").body["rules"]
    named = [each for each in interactions("iam/policy-project-id") if each.path == "/iam/v1alpha1/rules"]
    (recorded, *_) = [json.loads(each.answer) for each in named if each.status == 200]
    (rule,) = [rule for rule in rules if rule["permission_sets_scope_type"] == "projects"]
    assert set(recorded["rules"][0]) == set(rule)
    made = next(each for each in interactions("iam/policy-basic") if each.path.startswith("/iam/v1alpha1/policies"))
    assert set(json.loads(made.answer)) == set(policy)


@pytest.mark.parametrize(
    ("sku", "kind"),
    [
        ("/ip/reserved", (Product.IP, "")),
        ("/k8s/control-plane/fr-par", (Product.CONTROL_PLANE, "kapsule")),
        ("/k8s/control-plane/kapsule-dedicated-8/fr-par", (Product.CONTROL_PLANE, "kapsule-dedicated-8")),
        ("/k8s/control-plane/multicloud-dedicated-4/fr-par", None),
        ("/network/vpc/public-gateway/vpc-gw-s/fr-par-1", (Product.GATEWAY, "VPC-GW-S")),
        ("/network/vpc/public-gateway/ip/fr-par-1", (Product.GATEWAY_IP, "")),
        ("/storage/block/volume-low-latency-15k/fr-par-1", (Product.VOLUME, "sbs_15k")),
        ("/storage/block/snapshot/fr-par-1", (Product.SNAPSHOT, "sbs")),
        ("/storage/local/ssd/storage", (Product.VOLUME, "l_ssd")),
        ("/tools/registry/storage/fr", (Product.REGISTRY, "")),
        ("/network/flexip/ip/run_par1", None),
    ],
)
def test_the_skus_that_scaleway_billed_the_recorder_for_are_told_apart(
    sku: str, kind: tuple[Product, str] | None
) -> None:
    billed = [each.answer for each in interactions("billing/data-source-consumption-basic")]
    assert any(f'"sku":"{sku}"' in answer for answer in billed)
    assert scaleway_prices.kind_of(product(sku=sku)) == kind


def product(**changes: object) -> PublicCatalogProduct:
    """A row of the catalog, as the SDK reads it."""
    row: dict[str, object] = {
        "sku": "/ip/reserved",
        "service_category": "",
        "product_category": "",
        "product": "",
        "variant": "",
        "description": "",
        "status": "general_availability",
        "badges": [],
        "price": {"retail_price": {"currency_code": "EUR", "units": 1, "nanos": 500_000_000}},
        "unit_of_measure": {"unit": "hour", "size": 1},
        **changes,
    }
    return unmarshal_PublicCatalogProduct(row)


@pytest.mark.parametrize(
    ("unit", "size", "euros"),
    [("hour", 1, 1.5), ("minute", 60, 1.5), ("minute", 1, 90), ("day", 1, 0.0625), ("setup", 1, None)],
)
def test_every_unit_comes_to_an_hour(unit: str, size: int, euros: float | None) -> None:
    found = scaleway_prices.price_of(product(unit_of_measure={"unit": unit, "size": size}))
    assert (None if found is None else float(found)) == euros


def test_what_is_not_sold_or_in_another_currency_has_no_price() -> None:
    assert scaleway_prices.price_of(product(status="retired")) is None
    assert (
        scaleway_prices.price_of(product(price={"retail_price": {"currency_code": "USD", "units": 1, "nanos": 0}}))
        is None
    )
    assert scaleway_prices.price_of(product(price=None)) is None
