"""Redirections, on a packet filter that only keeps its rules."""

from __future__ import annotations

import shlex

import pytest

from rehearsal.instances import port_redirection

MINE, ANOTHERS = "shambhala.rehearsal=mine", "shambhala.rehearsal=another"


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What stands in the filter: each rule after its chain."""
    standing: list[list[str]] = []

    async def iptables(command: str, *rest: str) -> str:
        if command == "--append":
            standing.append(list(rest))
        elif command == "--delete":
            standing.remove(list(rest))
        return "\n".join(shlex.join(["-A", *rule]) for rule in standing if rule[0] == rest[0])

    monkeypatch.setattr(port_redirection, "_iptables", iptables)

    def found(_: str) -> str:
        return "iptables"

    monkeypatch.setattr("shutil.which", found)
    return standing


async def test_a_loopback_address_is_redirected_for_this_host(rules: list[list[str]]) -> None:
    await port_redirection.redirect(MINE, "TCP", "127.10.3.1", 443, 40443)
    assert [rule[0] for rule in rules] == ["OUTPUT"]
    await port_redirection.end(MINE, "TCP", "127.10.3.1", 443, 40443)
    assert rules == []


async def test_the_address_of_a_docker_network_is_redirected_for_its_containers_too(rules: list[list[str]]) -> None:
    """Packets of a container never pass the chain of this host's own."""
    await port_redirection.redirect(MINE, "UDP", "172.18.0.1", 53, 40053)
    assert [rule[0] for rule in rules] == ["OUTPUT", "PREROUTING"]
    assert len(await port_redirection.all_of(MINE)) == 2
    await port_redirection.end(MINE, "UDP", "172.18.0.1", 53, 40053)
    assert rules == []


async def test_all_of_a_rehearsal_go_and_those_of_another_stay(rules: list[list[str]]) -> None:
    for label in (MINE, ANOTHERS):
        await port_redirection.redirect(label, "TCP", "172.18.0.1", 6443, 46443)
    await port_redirection.end_all(MINE)
    assert await port_redirection.all_of(MINE) == []
    assert len(await port_redirection.all_of(ANOTHERS)) == 2
