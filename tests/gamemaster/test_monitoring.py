"""Monitoring of the game master: numbers that a board's Prometheus reads, as the host really is."""

from __future__ import annotations

import re
import time

import pytest

from common.naming import PROJECT
from observability.metrics_catalog import METRICS
from tests.gamemaster.games import ZONE, Game

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(600)]

EXPORTER = "http://127.0.0.1:9100/metrics"
DAY = 86_400


async def numbers(game: Game) -> dict[str, float]:
    """What the exporter answers once the numbers have been written anew: metric with its labels to its value."""
    unit = f"{PROJECT}-metrics.service"
    # The first may only wait for a run that the timer began before. systemd counts starts, and refuses many at once.
    await game.host.sh(f"for _ in 1 2; do systemctl reset-failed {unit} || true; systemctl start {unit}; done")
    lines = (await game.host.sh(f"curl --fail --silent {EXPORTER}")).splitlines()
    return {name: float(value) for name, _, value in (each.rpartition(" ") for each in lines if each[:1] != "#")}


async def test_everything_that_alerts_look_at_is_there_and_well(game: Game) -> None:
    found = await numbers(game)
    named = {re.sub(r"\{.*", "", name) for name in found}
    ours = {name for name in METRICS if name.startswith(("gamemaster_", "node_"))}
    # Only where something has failed, and where there is a bucket.
    assert ours - named <= {"gamemaster_unit_failed", "gamemaster_backup_copy_timestamp_seconds"}
    assert found["gamemaster_dns_answers"] == 1
    assert found["gamemaster_dns_serial"] > 1
    assert found["gamemaster_dns_signature_expiration_timestamp_seconds"] > time.time() + 3 * DAY
    assert found[f'gamemaster_certificate_expiration_timestamp_seconds{{name="{ZONE}"}}'] > time.time()
    assert found["gamemaster_k3s_ready"] == 1
    assert found["gamemaster_rancher_answers"] == 1
    assert found['gamemaster_timer_active{timer="certbot.timer"}'] == 1
    # The first night is still to come.
    assert time.time() - found["gamemaster_backup_timestamp_seconds"] < DAY


async def test_a_unit_that_failed_a_timer_that_stopped_and_a_silent_bind9_are_seen(game: Game) -> None:
    await game.host.sh("systemd-run --quiet --unit=broken false; systemctl stop certbot.timer named; true")
    try:
        found = await numbers(game)
        assert found['gamemaster_unit_failed{unit="broken.service"}'] == 1
        assert found['gamemaster_timer_active{timer="certbot.timer"}'] == 0
        assert (found["gamemaster_dns_answers"], found["gamemaster_dns_serial"]) == (0, 0)
    finally:
        await game.host.sh("systemctl reset-failed broken; systemctl start certbot.timer named")
    assert 'gamemaster_unit_failed{unit="broken.service"}' not in await numbers(game)


async def test_the_newest_backup_s_time_is_told(game: Game) -> None:
    folder = "/var/backups/shambhala"
    old = f"{folder}/backup-2026-01-01T024000Z.tar.gz.age"
    await game.host.sh(f"mkdir -p {folder}; rm -f {folder}/*; touch --date='@{time.time() - 3 * DAY:.0f}' {old}")
    assert (await numbers(game))["gamemaster_backup_timestamp_seconds"] < time.time() - 2 * DAY
    await game.host.sh(f"systemctl start {PROJECT}-nightly-backup.service")
    assert (await numbers(game))["gamemaster_backup_timestamp_seconds"] > time.time() - DAY


async def reached_from(game: Game, network: str) -> bool:
    """Whether a caller in a network reaches the exporter: a namespace on the host, behind a virtual cable."""
    said = await game.host.run(
        "bash -s",
        "set -e; trap 'ip netns delete board; ip link delete to-board 2>/dev/null || true' EXIT\n"
        "ip netns add board; ip link add to-board type veth peer name uplink netns board\n"
        f"ip address add {network}.1/24 dev to-board; ip link set to-board up\n"
        f"ip -n board address add {network}.9/24 dev uplink; ip -n board link set uplink up\n"
        f"ip netns exec board timeout 5 bash -c '</dev/tcp/{network}.1/9100' 2>/dev/null && echo reached || true\n",
    )
    return said == "reached"


async def test_boards_private_networks_alone_reach_the_numbers_and_only_while_there_is_a_board(game: Game) -> None:
    blue = game.step("gamemaster-metrics-access-blue-setup")
    assert await reached_from(game, "10.21.0")
    assert not await reached_from(game, "10.99.0")
    await game.host.run(blue.delete, blue.stdin)
    try:
        assert not await reached_from(game, "10.21.0")
    finally:
        await game.host.take([blue])
    assert await reached_from(game, "10.21.0")
    # A hardening that is run anew keeps them.
    await game.host.take([game.step("gamemaster-hardening-setup")])
    assert await reached_from(game, "10.21.0")
