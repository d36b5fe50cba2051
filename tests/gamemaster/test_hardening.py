"""Hardening of the game master: who reaches which port, how SSH is entered, updates, journal and time."""

from __future__ import annotations

import asyncio
from functools import partial

import aiohttp
import pytest

from tests.gamemaster.games import OPERATOR_CIDRS, Game, program
from tests.gamemaster.steps import steps_of
from tests.localcloud.instances.cloud import reachable

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

VENUE = "203.0.113.9"
"""A public address that no setting names."""


async def test_nothing_else_is_reached_from_outside(game: Game) -> None:
    """The cloud allows more ports, the host's own packet filter drops them."""
    await game.host.sh(
        "systemd-run --quiet --collect --unit=stray python3 -m http.server 10250 && "
        "timeout 20 sh -c 'until curl -s -o /dev/null 127.0.0.1:10250; do sleep 0.1; done'"
    )
    try:
        for port in (22, 53, 80, 443):
            assert await reachable(game.address, port), port
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            with pytest.raises((aiohttp.ClientError, TimeoutError)):
                await session.get(f"http://{game.address}:10250/")
    finally:
        await game.host.sh("systemctl stop stray")


async def test_ssh_takes_keys_only(game: Game) -> None:
    said = await game.host.sh("sshd -T -C user=root,host=x,addr=192.0.2.1")
    assert {"passwordauthentication no", "permitrootlogin without-password"} <= set(said.splitlines())
    assert (await game.host.sh("passwd --status root")).startswith("root L ")


async def test_security_updates_come_by_themselves_and_restart_nothing(game: Game) -> None:
    """What Debian's own daily timers go by, which this image leaves out."""
    said = (await game.host.sh("apt-config dump")).splitlines()
    assert {
        'APT::Periodic::Update-Package-Lists "1";',
        'APT::Periodic::Unattended-Upgrade "1";',
        'Unattended-Upgrade::Automatic-Reboot "false";',
    } <= set(said)
    assert [line for line in said if "Origins-Pattern" in line and "Debian-Security" in line]


async def test_the_journal_outlives_a_reboot_and_never_fills_the_disk(game: Game) -> None:
    said = await game.host.sh("systemd-analyze cat-config systemd/journald.conf")
    assert {"SystemMaxUse=500M", "SystemKeepFree=1G", "MaxRetentionSec=1month"} <= set(said.splitlines())
    # Where journald writes now, so it has read what is above.
    assert "File path: /var/log/journal/" in await game.host.sh("journalctl --header --lines 1")


async def test_the_time_is_kept_right(game: Game) -> None:
    assert await game.host.sh("systemctl is-enabled systemd-timesyncd") == "enabled"


async def banner_from_the_venue(game: Game) -> str:
    """Banner of sshd for a caller with a public address: a network namespace on the host, behind a virtual cable."""
    return await game.host.run(
        "bash -s",
        "set -e; trap 'ip netns delete venue; ip link delete to-venue 2>/dev/null || true' EXIT\n"
        "ip netns add venue; ip link add to-venue type veth peer name uplink netns venue\n"
        "ip address add 203.0.113.1/24 dev to-venue; ip link set to-venue up\n"
        f"ip -n venue address add {VENUE}/24 dev uplink; ip -n venue link set uplink up\n"
        "ip netns exec venue timeout 5 bash -c 'read -r banner </dev/tcp/203.0.113.1/22 && echo $banner' || true\n",
    )


async def test_the_packet_filter_locks_no_operator_out_whose_public_address_has_changed(game: Game) -> None:
    """The security group follows by Scaleway's API; the host's own rules only over the SSH that they would block."""
    assert (await banner_from_the_venue(game)).startswith("SSH-2.0-")


async def test_ssh_is_shut_for_the_private_network_which_no_security_group_filters(game: Game) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.open_connection(game.private_address, 22)


async def test_operators_in_a_private_network_reach_ssh_once_the_settings_name_it(game: Game) -> None:
    own, _, _ = game.private_address.rpartition(".")
    steps = await asyncio.to_thread(
        steps_of, partial(program, game.environment, operator_cidrs=[*OPERATOR_CIDRS, f"{own}.0/24"])
    )
    name = "gamemaster-hardening-setup"
    await game.host.take([step for step in steps if step.name == name])
    try:
        assert await reachable(game.private_address, 22)
    finally:
        await game.host.take([game.step(name)])


async def test_one_transaction_installed_the_packages_of_all_scripts(game: Game) -> None:
    """Each takes seconds by itself, and one waits for another."""
    first = await game.host.sh("grep -m 1 '^Install:.*nftables' /var/log/apt/history.log")
    assert all(f" {package}:" in first for package in ("nftables", "bind9", "certbot", "nginx-light", "age"))
