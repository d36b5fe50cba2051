"""What leads from the parent zone to the game master, and what is said while it does not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tests.gamemaster.games import Game, program
from tests.gamemaster.steps import StepError, steps_of

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


PARENT = """$TTL 60
@ IN SOA ns.example.org. hostmaster.example.org. (1 7200 900 1209600 60)
@ IN NS {server}
ns IN A 127.0.0.7
"""


@asynccontextmanager
async def parent_zone(game: Game, *records: str, name_server: str = "ns") -> AsyncGenerator[None]:
    """A name server on the host's loopback that has the parent zone, and that the host asks for everything."""
    zone = "\n".join((PARENT.format(server=name_server), *records, ""))
    server = (
        'options { directory "/tmp/parent"; listen-on port 5353 { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; '
        "pid-file none; session-keyfile none; }; controls {}; "
        'zone "example.org" { type primary; file "/tmp/parent/zone"; };'
    )
    await game.host.run("mkdir -p /tmp/parent; cat > /tmp/parent/zone", zone)
    await game.host.run("cat > /tmp/parent/named.conf", server)
    rules = (
        "table ip parent { chain out { type nat hook output priority dstnat; "
        "ip daddr 127.0.0.7 meta l4proto { tcp, udp } th dport 53 dnat to 127.0.0.1:5353; }; }"
    )
    await game.host.run("cp /etc/resolv.conf /tmp/resolv.before; nft --file -", rules)
    try:
        await game.host.sh(
            "echo nameserver 127.0.0.7 > /etc/resolv.conf; "
            "systemd-run --quiet --collect --unit=parent named -f -c /tmp/parent/named.conf; "
            "timeout 20 sh -c 'until dig +time=1 +tries=1 @127.0.0.7 example.org SOA > /dev/null; do sleep 0.1; done'"
        )
        yield
    finally:
        await game.host.sh(
            "cat /tmp/resolv.before > /etc/resolv.conf; nft delete table ip parent; "
            "systemctl stop parent; rm -rf /tmp/parent"
        )


DELEGATION = ("hunt IN NS ns1-hunt.example.org.", "ns1-hunt IN A 192.0.2.10")


async def delegation_looked_at(game: Game, seconds: int, hosted_by: str = "external") -> str:
    """What the step says that waits so long for the parent zone."""
    steps = await asyncio.to_thread(steps_of, partial(program, game.environment, delegation_timeout=seconds))
    [check] = [step for step in steps if step.name == "gamemaster-delegation-check"]
    return await game.host.run(check.command, check.given(hosted_by=hosted_by))


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        ((), "does not have 'hunt.example.org. IN NS ns1-hunt.example.org.'"),
        (DELEGATION[:1], "does not have 'ns1-hunt.example.org. IN A 192.0.2.10' alone (but 'nothing')"),
        (
            (DELEGATION[0], "ns1-hunt IN A 192.0.2.99"),
            "does not have 'ns1-hunt.example.org. IN A 192.0.2.10' alone (but '192.0.2.99')",
        ),
        (
            ("hunt IN NS xns1-hunt.example.org.", "xns1-hunt IN A 192.0.2.10"),
            "does not have 'hunt.example.org. IN NS ns1-hunt.example.org.'",
        ),
        (
            (*DELEGATION, "hunt IN NS dead.example.net."),
            "has 'hunt.example.org. IN NS dead.example.net.' besides, which is not this server and has to go",
        ),
        (
            (*DELEGATION, f"hunt IN DS 4711 13 2 {64 * 'A'}"),
            f"has 'hunt.example.org. IN DS 4711 13 2 {64 * 'a'}', which is of no key of this zone and has to go",
        ),
    ],
    ids=["nothing", "no address", "another address", "a name that contains ours", "another server", "another's key"],
)
async def test_what_is_wrong_in_the_parent_zone_is_said_with_all_that_is_to_be_there(
    game: Game, records: Sequence[str], wrong: str
) -> None:
    async with parent_zone(game, *records):
        with pytest.raises(StepError) as failure:
            await delegation_looked_at(game, 1)
    said = str(failure.value)
    assert f"delegation: after 1 seconds, ns.example.org. {wrong}. Add these records to example.org" in said
    # They can be pasted: with them, the parent zone leads here.
    pasted = [line for line in said.splitlines() if re.match(r"\S+ 300 IN ", line)]
    assert [line.split()[3] for line in pasted] == ["NS", "A", "DS"]
    async with parent_zone(game, *pasted):
        assert await delegation_looked_at(game, 20) == "delegated"


async def test_a_parent_zone_at_scaleway_whose_registrar_leads_elsewhere_is_said(game: Game) -> None:
    said = "The program keeps these records at Scaleway: the registrar of example.org has to delegate"
    async with parent_zone(game):
        with pytest.raises(StepError, match=said):
            await delegation_looked_at(game, 1, hosted_by="scaleway")


async def test_a_parent_zone_that_leads_here_is_enough(game: Game) -> None:
    async with parent_zone(game, *DELEGATION):
        assert await delegation_looked_at(game, 20) == "delegated"


async def test_a_parent_zone_of_which_no_server_has_an_address_is_not_taken_for_one_that_leads_here(game: Game) -> None:
    said = r"delegation: after 1 seconds, no address of example\.org's name servers \(ns\.elsewhere\.test\.\) is known"
    async with parent_zone(game, *DELEGATION, name_server="ns.elsewhere.test."):
        with pytest.raises(StepError, match=said):
            await delegation_looked_at(game, 1)


async def test_a_parent_zone_that_nobody_answers_for_is_named_after_a_bounded_wait(game: Game) -> None:
    # Nobody listens at that address of the host's loopback.
    await game.host.sh("cp /etc/resolv.conf /tmp/resolv.before; echo nameserver 127.0.0.53 > /etc/resolv.conf")
    try:
        with pytest.raises(StepError, match=r"after 4 seconds, no name server of example\.org is known"):
            await delegation_looked_at(game, 4)
    finally:
        await game.host.sh("cat /tmp/resolv.before > /etc/resolv.conf")
