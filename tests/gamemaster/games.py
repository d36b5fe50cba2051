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
from common.helm import Charts
from common.keys import derived_dns_key, dns_key
from gamemaster import Download, GameMaster, GameMasterArgs, Names, NamesArgs, RancherPlan, Site
from gamemaster.records import AAAA, CAA, CNAME, MX, TXT, Data, Record, RecordArgs
from rehearsal.acme import Authority
from rehearsal.scaleway.backends import Machine
from tests.gamemaster.steps import Host, Step
from tests.instances.cloud import Cloud, rule

Seen = TypeVar("Seen")
ZONE = "hunt.example.org"
RANCHER = f"rancher.{ZONE}"
BOOTSTRAP_PASSWORD = secrets.token_urlsafe(16)
NEWER_K3S = "v1.36.99+k3s1"
PRIVATE = "private"
ECHO_PORT = 9000
ECHO = f"echo.{ZONE}"
"""A site whose program the tests start themselves."""


DOORS = [rule("TCP", port) for port in (22, 53, 80, 443, 6443, 10250)] + [rule("UDP", 53)]
"""What the cloud lets in: more than the game master wants, to see that it has a lock of its own."""


RECORDS: Sequence[tuple[str, Sequence[Data]]] = (
    ("v6", [AAAA("2001:db8::20")]),
    ("www", [CNAME(f"play.{ZONE}")]),
    ("@", [MX(10, "mail.example.org")]),
    ("@", [CAA("issue", "example.org")]),
    ("note", [TXT("first note"), TXT('a "second"; ' + 300 * "x")]),
)
"""Beside the addresses: one set of each other kind."""


@dataclass(frozen=True)
class Settings:
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
    settings: Settings
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
        return dns.tsig.Key(f"{board}.{ZONE}", derived_dns_key(self.settings.dns_master, board), "hmac-sha256")

    async def certificates_key(self) -> dns.tsig.Key:
        """The key that certbot uses, which lies on the host only."""
        secret = await self.host.sh("sed -n 's/.*secret \"\\(.*\\)\";/\\1/p' /etc/bind/certificates.key")
        return dns.tsig.Key("certificates", secret, "hmac-sha512")


def program(settings: Settings, delegation_timeout: int = 0) -> None:
    """The game master and a few names, with this machine's addresses.

    delegation_timeout: seconds to wait for the parent zone; 0 does not look at it.
    """
    master = GameMaster(
        "gamemaster",
        GameMasterArgs(
            environment="rehearsal",
            domain="example.org",
            subdomain="hunt",
            parent_zone="external",
            delegation_timeout=delegation_timeout,
            subnet="10.20.0.0/24",
            type="PLAY2-MICRO",
            image="debian_trixie",
            volume_size=20,
            volume_type="sbs_volume",
            operator_cidrs=["127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
            operator_key_public="ssh-ed25519 AAAA",
            operator_key_private=pulumi.Output.secret("none"),
            host_key_public="ssh-ed25519 BBBB",
            host_key_private=pulumi.Output.secret("none"),
            dns_update_key=pulumi.Output.secret(settings.dns_master),
            boards=["blue", "green"],
            acme_directory=settings.acme_directory,
            acme_email=None,
            acme_ca_bundle=settings.acme_ca_bundle,
            sites=[Site(host=ECHO, upstream=f"http://127.0.0.1:{ECHO_PORT}", body_mb=2)],
            rancher=RancherPlan(
                host="rancher",
                bootstrap_password=pulumi.Output.secret(BOOTSTRAP_PASSWORD),
                admin_password=pulumi.Output.secret("set by the tests of the program"),
                api_url=None,
                ca_bundle=settings.acme_ca_bundle,
                k3s=Download(url=settings.k3s.url, sha256=settings.k3s.sha256),
                helm=Download(url=settings.helm.url, sha256=settings.helm.sha256),
                charts=Charts(repositories={"rancher": settings.charts_url}, timeout=120),
            ),
            debian="http://deb.debian.org/debian",
            boot_timeout=300,
            protect=False,
        ),
        opts=pulumi.ResourceOptions(providers=[Scaleway("scaleway"), Ssh("ssh")]),
    )
    ssh = pulumi.ResourceOptions(providers=[Ssh("other-ssh")])
    addresses = {"@": settings.address, "*.blue": "192.0.2.20", "play": "192.0.2.20"}
    proofs = {"_acme-challenge.play": "_acme-challenge.play.blue"}
    Names("names", NamesArgs(host=master.host, zone=master.zone, addresses=addresses, aliases=proofs), opts=ssh)
    for label, data in RECORDS:
        Record(
            f"{data[0].kind.lower()}-record",
            RecordArgs(host=master.host, zone=master.zone, label=label, data=data),
            opts=ssh,
        )
