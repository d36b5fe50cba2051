"""The game that these tests raise: its program, and what a test needs to look at it from outside."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import dns.asyncquery
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.tsig
import dns.update
import pulumi
from pulumi_command import Provider as Ssh
from pulumiverse_scaleway import Provider as Scaleway

import rehearsal.k3s
from common import settings
from common.keys import derived_dns_key, dns_key
from gamemaster import DnsRecords, DnsRecordsArgs, GameMaster, Site
from gamemaster.record_set import AAAA, CAA, CNAME, MX, TXT, Record, RecordSet, RecordSetArgs
from rehearsal.acme import Authority
from rehearsal.scaleway.backends import Machine
from tests.gamemaster.steps import Host, Step
from tests.localcloud.instances.cloud import Cloud, rule
from tests.support.example import MISSING, spoiled

Seen = TypeVar("Seen")
ZONE = "hunt.example.org"
RANCHER = f"rancher.{ZONE}"
BOOTSTRAP_PASSWORD = secrets.token_urlsafe(16)
NEWER_K3S = "v1.36.99+k3s1"
PRIVATE = "private"
ECHO_PORT = 9000
ECHO = f"echo.{ZONE}"
"""A site whose program the tests start themselves."""


OPERATOR_CIDRS = ("127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
OPEN_PORTS = [rule("TCP", port) for port in (22, 53, 80, 443, 6443, 10250)] + [rule("UDP", 53)]
"""Ports that the cloud allows: more than the game master wants, to see that its own packet filter holds."""


RECORDS: Sequence[tuple[str, Sequence[Record]]] = (
    ("v6", [AAAA("2001:db8::20")]),
    ("www", [CNAME(f"play.{ZONE}")]),
    ("@", [MX(10, "mail.example.org")]),
    ("@", [CAA("issue", "example.org")]),
    ("note", [TXT("first note"), TXT('a "second"; ' + 300 * "x")]),
)
"""Besides the addresses: one record set of each other type."""


@dataclass(frozen=True)
class Environment:
    """What differs from one run of the tests to another."""

    address: str
    acme_directory: str
    acme_ca_bundle: str
    k3s: rehearsal.k3s.Download
    newer_k3s: rehearsal.k3s.Download
    helm: rehearsal.k3s.Download
    charts_url: str
    dns_master: str = field(default_factory=dns_key)


@dataclass
class Game:
    """A game master that stands."""

    cloud: Cloud
    machine: Machine
    host: Host
    authority: Authority
    environment: Environment
    steps: Sequence[Step]

    @property
    def address(self) -> str:
        return self.cloud.address

    @property
    def private_address(self) -> str:
        """Where it is on its private network, in which this machine has the first address."""
        return self.machine.networks[PRIVATE]

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    async def ask(self, name: str, kind: str, *, dnssec: bool = False) -> dns.message.Message:
        """The game master's answer to a question; over TCP when it does not fit a datagram."""
        question = dns.message.make_query(name, kind, want_dnssec=dnssec)
        answer, _ = await dns.asyncquery.udp_with_fallback(question, self.address, timeout=5)
        return answer

    async def records(self, name: str, kind: str) -> list[str]:
        """What the records of an answer say, sorted."""
        wanted = dns.rdatatype.from_text(kind)
        answer = await self.ask(name, kind)
        sets: list[Iterable[dns.rdata.Rdata]] = [found for found in answer.answer if found.rdtype == wanted]
        return sorted(data.to_text() for found in sets for data in found)

    async def update(self, key: dns.tsig.Key, name: str, kind: str, data: str) -> str:
        """The game master's verdict on a change of its zone that this key asks for: NOERROR, REFUSED, …"""
        change = dns.update.UpdateMessage(ZONE, keyring=key)
        change.replace(dns.name.from_text(name).relativize(dns.name.from_text(ZONE)), 60, kind, data)
        answer = await dns.asyncquery.tcp(change, self.address, timeout=5)
        return dns.rcode.to_text(answer.rcode())

    async def eventually(self, look: Callable[[], Awaitable[Seen]], wanted: Seen, seconds: float) -> None:
        """Wait until a look gives what is wanted; an AssertionError tells what it gave last."""
        seen: Seen | None = None
        try:
            async with asyncio.timeout(seconds):
                while (seen := await look()) != wanted:
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{seen!r} did not become {wanted!r} within {seconds:.0f} s") from None

    def board_key(self, board: str) -> dns.tsig.Key:
        return dns.tsig.Key(f"{board}.{ZONE}", derived_dns_key(self.environment.dns_master, board), "hmac-sha256")

    async def certbot_key(self) -> dns.tsig.Key:
        """certbot's TSIG key, which lies on the host only."""
        secret = await self.host.sh("sed -n 's/.*secret \"\\(.*\\)\";/\\1/p' /etc/bind/certbot.key")
        return dns.tsig.Key("certbot", secret, "hmac-sha512")


def game_settings(
    environment: Environment, delegation_timeout: int, operator_cidrs: Sequence[str]
) -> settings.Settings:
    """Settings as an operator's, with this machine's addresses."""
    changes: dict[str, object] = {
        "environment": "rehearsal",
        "subdomain": "hunt",
        "parentZone": "external",
        "scaleway.apiUrl": "http://127.0.0.1:8080",
        "operators.cidrs": list(operator_cidrs),
        "gamemaster.volumeSizeGb": 20,
        "gamemaster.dnsUpdateKey": environment.dns_master,
        "gamemaster.bootTimeoutSeconds": 300,
        "gamemaster.backupBucket": MISSING,
        "certificates.email": MISSING,
        "certificates.delegationTimeoutSeconds": delegation_timeout,
        "rancher.host": "rancher",
        "rancher.bootstrapPassword": BOOTSTRAP_PASSWORD,
        "rancher.apiUrl": MISSING,
        "rancher.caBundle": environment.acme_ca_bundle,
        "sources.acmeDirectory": environment.acme_directory,
        "sources.acmeCaBundle": environment.acme_ca_bundle,
        "sources.k3sUrl": environment.k3s.url,
        "sources.k3sSha256": environment.k3s.sha256,
        "sources.helmUrl": environment.helm.url,
        "sources.helmSha256": environment.helm.sha256,
        "sources.charts": {"rancher": environment.charts_url},
        "sources.chartTimeoutSeconds": 120,
        "sources.debian": "http://deb.debian.org/debian",
    }
    return settings.parse(spoiled(changes), "rehearsal")


def program(
    environment: Environment, delegation_timeout: int = 0, operator_cidrs: Sequence[str] = OPERATOR_CIDRS
) -> None:
    """The game master and a few DNS records.

    delegation_timeout: seconds to wait for the parent zone; 0 does not look at it.
    """
    master = GameMaster(
        "gamemaster",
        game_settings(environment, delegation_timeout, operator_cidrs),
        opts=pulumi.ResourceOptions(providers=[Scaleway("scaleway"), Ssh("ssh")]),
        sites=[Site(host=ECHO, upstream=f"http://127.0.0.1:{ECHO_PORT}", body_mb=2)],
    )
    ssh = pulumi.ResourceOptions(providers=[Ssh("other-ssh")])
    DnsRecords(
        "dns-records",
        DnsRecordsArgs(
            host=master.host,
            zone=master.zone,
            a_records={"@": environment.address, "*.blue": "192.0.2.20", "play": "192.0.2.20"},
            cname_records={"_acme-challenge.play": "_acme-challenge.play.blue"},
        ),
        opts=ssh,
    )
    for label, records in RECORDS:
        RecordSet(
            f"{records[0].type.lower()}-record",
            RecordSetArgs(host=master.host, zone=master.zone, label=label, records=records),
            opts=ssh,
        )
