"""Ports that a security group opens at an Instance's public address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, ip_network

from rehearsal.scaleway.backends import Rule
from rehearsal.scaleway.records import Record

EVERYBODY = IPv4Network("0.0.0.0/0")
EVERY_PORT = (1, 65535)
Ports = tuple[int, int]


def published_ports(group: Record) -> list[Rule]:
    """Inbound allow rules of a security group for TCP and UDP over IPv4.

    As on Scaleway the first rule that matches a packet decides: ports that an earlier rule drops for all callers of a
    later rule are taken out of the later rule. ICMP has no ports and is left out.
    """
    rules = [rule for rule in group["_rules"] if rule["direction"] == "inbound"]
    if group["inbound_default_policy"] == "accept":
        rules = [*rules, {"action": "accept", "protocol": "ANY", "ip_range": str(EVERYBODY)}]
    opened: list[Rule] = []
    for protocol in ("TCP", "UDP"):
        dropped: list[tuple[IPv4Network, Ports]] = []
        for rule in rules:
            source = ip_network(rule["ip_range"])
            if rule["protocol"] not in (protocol, "ANY") or not isinstance(source, IPv4Network):
                continue
            if rule["action"] == "drop":
                dropped.append((source, _ports(rule)))
                continue
            shut = [ports for callers, ports in dropped if source.subnet_of(callers)]
            opened += [Rule(protocol, first, last, str(source)) for first, last in _without(_ports(rule), shut)]
    return opened


def _ports(rule: Record) -> Ports:
    first = rule.get("dest_port_from")
    if first is None:
        return EVERY_PORT
    return first, rule.get("dest_port_to") or first


def _without(ports: Ports, shut: Iterable[Ports]) -> Sequence[Ports]:
    """What is left of a range of ports without some others."""
    left = [ports]
    for first, last in shut:
        left = [
            part
            for low, high in left
            for part in ((low, min(high, first - 1)), (max(low, last + 1), high))
            if part[0] <= part[1]
        ]
    return left
