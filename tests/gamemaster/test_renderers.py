"""What the program renders, as Debian 13's own programs read it: those of another release know other words."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gamemaster.hardening import firewall
from gamemaster.nginx import Site, configuration
from tests.gamemaster.games import ECHO, ZONE, Game
from tests.gamemaster.steps import StepError

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]


async def read_by(game: Game, command: str, text: str) -> str:
    """What a program of the host says of a text; FILE in the command is where it lies."""
    return await game.host.run(f"cat > /run/rendered && {command.replace('FILE', '/run/rendered')} 2>&1", text)


def rendered(game: Game, step: str, name: str) -> str:
    return game.step(step).inputs[name]


@pytest.mark.parametrize("zone", [ZONE, "a.b.c.example.org", f"{59 * 'x'}.example.org", "xn--nxasmq6b.example.org"])
async def test_a_zone_is_one_that_bind9_loads(game: Game, zone: str) -> None:
    file = rendered(game, "gamemaster-bind9-setup", "zone.db").replace(ZONE, zone)
    assert (await read_by(game, f"named-checkzone {zone} FILE", file)).endswith("OK")


@pytest.mark.parametrize(
    "cidrs",
    [
        ["198.51.100.7/32"],
        ["0.0.0.0/0"],
        # nft takes no set in which one network holds another.
        ["198.51.100.0/24", "198.51.100.7/32", "198.51.101.0/24", "203.0.113.0/25"],
    ],
)
async def test_a_packet_filter_is_one_that_nft_takes(game: Game, cidrs: Sequence[str]) -> None:
    assert await read_by(game, "nft --check --file FILE", firewall(cidrs)) == ""


SITE = Site(host=ECHO, upstream="http://127.0.0.1:9000")


@pytest.mark.parametrize(
    "sites",
    [
        [],
        [SITE],
        [
            SITE,
            Site(host=f"{63 * 'x'}.{ZONE}", upstream="http://10.43.0.80", body_mb=256, idle_seconds=1, buffered=False),
        ],
        [Site(host=f"site-{number}.{ZONE}", upstream=f"http://127.0.0.1:{9000 + number}") for number in range(40)],
    ],
    ids=["no site", "one", "a long name", "many"],
)
async def test_a_proxy_is_one_that_nginx_takes(game: Game, sites: Sequence[Site]) -> None:
    assert await read_by(game, "nginx -t -q -c FILE", configuration(ZONE, sites)) == ""


async def test_the_programs_would_tell(game: Game) -> None:
    for command, text in (
        (f"named-checkzone {ZONE} FILE", "@ IN SOA"),
        ("nft --check --file FILE", firewall(["198.51.100.0/24"]).replace("drop", "droop")),
        ("nginx -t -q -c FILE", configuration(ZONE, [SITE]).replace("listen 443", "listen 4430000")),
    ):
        with pytest.raises(StepError):
            await read_by(game, command, text)
