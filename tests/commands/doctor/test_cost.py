"""What an environment costs, by the stand-in's prices, whose figures are the stand-in's own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cli.cost import scaleway_prices
from cli.cost.billed_resources import claims, rows
from cli.cost.cost_command import bill, price_list
from cli.cost.scaleway_prices import PriceList, Product
from cli.scaleway_client import client
from rehearsal.scaleway import product_catalog as listed
from tests.commands.doctor.site import Site

NODE, MASTER = Decimal("0.0561"), Decimal("0.05508")


def cell(printed: str, what: str) -> list[str]:
    """The cells of the row that says `what`."""
    line = next(line for line in printed.splitlines() if what in line)
    return [part.strip() for part in line.strip("│┃ ").split("│")]


def test_it_prints_a_row_for_each_resource_and_the_sum(site: Site) -> None:
    status, printed = site.command("cost", "--days", "3")
    assert status == 0, printed
    assert cell(printed, "Instance PLAY2-MICRO")[2:] == ["1", "0.0551", "1.32", "3.97", "3.97"]
    # The board blue may grow from two nodes to four.
    assert cell(printed, "pool main: nodes PRO2-XXS")[2:] == ["2 to 4", "0.1122", "2.69", "8.08", "16.16"]
    for what in ("load balancer LB-S", "Public Gateway VPC-GW-S", "root volume l_ssd", "volume of Gitea"):
        assert what in printed
    found = bill(site.settings, price_list(site.settings))
    assert cell(printed, "all")[-3:] == [
        f"{found.hourly * 24:.2f}",
        f"{found.hourly * 72:.2f}",
        f"{found.most * 72:.2f}",
    ]


def test_every_row_is_priced_by_hand_as_the_command_prices_it(site: Site) -> None:
    del site.tree["delivery"], site.tree["teams"], site.tree["boards"]["green"]
    site.tree["observability"]["logs"] = {"volumeSizeGb": 20}
    site.tree["observability"]["metrics"] = {"volumeSizeGb": 10}
    volume, gib = Decimal("0.000118"), Decimal(2**30) / 10**9
    # Game master with a local disk; two nodes with 30 GB; load balancer and gateway with an address each; claims.
    by_hand = MASTER + 40 * Decimal("0.000044") + Decimal("0.004")
    by_hand += 2 * NODE + 2 * 30 * volume
    by_hand += Decimal("0.023") + Decimal("0.005") + Decimal("0.02") + Decimal("0.004")
    by_hand += (20 + 10 + 10 * gib) * volume
    found = bill(site.settings, price_list(site.settings))
    assert found.hourly == by_hand
    assert found.most == by_hand + 2 * NODE + 2 * 30 * volume


def test_what_has_no_price_is_named_and_not_counted(site: Site) -> None:
    whole = bill(site.settings, price_list(site.settings)).hourly
    site.api.account(unpriced=["/network/vpc/public-gateway/vpc-gw-s"])
    status, printed = site.command("cost")
    assert status == 0
    assert "Not priced: board blue: Public Gateway VPC-GW-S" in printed
    assert "https://www.scaleway.com/en/pricing/" in printed
    assert "not priced" in cell(printed, "Public Gateway VPC-GW-S")
    assert bill(site.settings, price_list(site.settings)).hourly == whole - Decimal("0.02")


def test_what_is_billed_by_use_is_named(site: Site) -> None:
    _, printed = site.command("cost")
    assert "Not priced: the zone example.org in Scaleway DNS" in printed
    assert "Not priced: object storage of the logs" in printed


def test_images_in_the_program_s_own_registry_are_named(site: Site) -> None:
    del site.tree["delivery"]["registry"], site.tree["delivery"]["registryConfig"]
    _, printed = site.command("cost")
    assert "Not priced: images in the program's registry (billed by what is stored)" in printed


def test_a_day_that_costs_too_much_is_refused_unless_told(site: Site) -> None:
    assert site.command("cost", "--check") == (
        0,
        "A day costs at most 10.92 €, without 2 that the API does not price.\n",
    )
    site.tree["costs"] = {"maxDailyEur": 10}
    status, printed = site.command("cost", "--check")
    assert status == 1
    assert "a day may cost 10.92 €" in printed
    assert "costs.maxDailyEur is 10" in printed
    assert "'make up STACK=dev OPTIONS=--allow-cost'" in printed


def test_without_a_bound_nobody_is_asked(site: Site) -> None:
    del site.tree["costs"]
    site.tree["scaleway"]["apiUrl"] = "http://127.0.0.1:9"
    assert site.command("cost", "--check") == (0, "")


def test_where_prices_cannot_be_had_one_sentence_says_so(site: Site) -> None:
    site.tree["scaleway"]["apiUrl"] = "http://127.0.0.1:9"
    status, printed = site.command("cost")
    assert status == 1
    assert printed.startswith("error: Scaleway's prices cannot be had: ")
    assert printed.count("\n") == 1
    status, printed = site.command("cost", "--check")
    assert status == 1
    assert "costs.maxDailyEur (120) is not known" in printed


def test_every_page_of_the_price_list_is_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = price_list(site.settings)
    monkeypatch.setattr(listed, "LARGEST_PAGE", 7)
    assert price_list(site.settings) == whole
    monkeypatch.setattr(scaleway_prices, "_INSTANCE_PAGE", 6)
    assert price_list(site.settings) == whole


def test_a_price_of_the_zone_goes_before_one_of_the_region(site: Site) -> None:
    found = scaleway_prices.load(client(site.settings.scaleway), ["nl-ams-2"])
    assert found.hourly(Product.CONTROL_PLANE, "kapsule", "nl-ams-2") == 0
    assert found.hourly(Product.CONTROL_PLANE, "kapsule", "nl-ams") == 0
    assert found.hourly(Product.IP, "", "nl-ams-2") == Decimal("0.004")
    assert found.hourly(Product.INSTANCE, "PRO2-XXS", "fr-par-1") is None
    assert found.hourly(Product.LOAD_BALANCER, "LB-HUGE", "nl-ams-2") is None


def test_a_node_s_root_volume_is_what_scaleway_gives_its_type(site: Site) -> None:
    site.tree["boards"]["green"]["pools"] = {
        "old": {"nodeType": "DEV1-M", "size": 1},
        "new": {"nodeType": "PRO2-S", "size": 1},
    }
    found = {row.what: row.type for row in rows(site.settings, price_list(site.settings)) if "root volumes" in row.what}
    assert found["pool old: root volumes l_ssd"] == "l_ssd"
    assert found["pool new: root volumes sbs_5k"] == "sbs_5k"


def test_claims_follow_the_settings(site: Site) -> None:
    site.tree["observability"]["logs"]["replicas"] = 3
    for board in site.tree["boards"].values():
        board["pools"]["other"] = {"nodeType": "PRO2-XXS", "size": 3}
    assert [name for name, _ in claims(site.settings)][:3] == ["Loki 0", "Loki 1", "Loki 2"]
    del site.tree["delivery"], site.tree["teams"]
    assert "Gitea" not in dict(claims(site.settings))


def test_rows_need_no_prices(site: Site) -> None:
    assert len(list(rows(site.settings, PriceList({})))) > 10
