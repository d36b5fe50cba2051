"""Servers of the tests get ports that nobody takes before they listen."""

from __future__ import annotations

from pathlib import Path

from rehearsal.drone.daemons import free_ports


def test_no_port_is_one_that_the_system_gives_to_callers() -> None:
    first, _ = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    ports = free_ports(200)
    assert len(set(ports)) == 200
    assert max(ports) < int(first)
