"""The parent domain: who hosts it, whether the game's zone is somebody else's already, and whose certificates it takes.

Public DNS is asked as anybody's resolver answers it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
import requests
from dns.rdtypes.ANY.CAA import CAA
from dns.resolver import Resolver
from scaleway import Client
from scaleway.domain.v2beta1 import DNSZoneStatus, DomainV2Beta1API

from cli.doctor.lines import Environment, Line, failure, ok, warning
from cli.doctor.web import get
from common.naming import name_server_label
from common.settings import Settings
from common.versions import ACME_DIRECTORIES

PARENT: Final = "parent domain"
DELEGATION: Final = "delegation"
CAA_RECORDS: Final = "CAA"
SCALEWAY_SERVERS: Final = ".dom.scw.cloud"
"""Scaleway's name servers: ns0.dom.scw.cloud and ns1.dom.scw.cloud."""
LETS_ENCRYPT: Final = "letsencrypt.org"
"""Its name in CAA records: https://letsencrypt.org/docs/caa/"""
_DOMAINS: Final = "https://console.scaleway.com/domains"
_TIMEOUT: Final = 5


def check(environment: Environment) -> Generator[Line]:
    """Look at the zone, its host, the game's delegation and the parent's CAA records."""
    settings, resolver = environment.settings, environment.resolver
    if settings.parent_zone == "scaleway":
        yield _zone(environment.client, settings)
    if settings.certificates.authority != "none" and settings.certificates.delegation_timeout_seconds == 0:
        yield ok(DELEGATION, "not looked at in public, as certificates.delegationTimeoutSeconds is 0")
        return
    try:
        yield _host(resolver, settings)
        yield _delegation(resolver, settings)
        yield from _caa(resolver, settings)
    except (dns.exception.Timeout, dns.resolver.NoNameservers, dns.resolver.NoResolverConfiguration) as error:
        yield failure(PARENT, f"DNS does not answer: {error}", f"dig NS {settings.domain}")


def _zone(client: Client, settings: Settings) -> Line:
    zones = DomainV2Beta1API(client).list_dns_zones_all(
        domain=settings.domain, project_id=settings.scaleway.project_id, page_size=100
    )
    names = {f"{zone.subdomain}.{zone.domain}".lstrip("."): zone for zone in zones}
    zone = names.get(settings.domain)
    if zone is None:
        found = f"parentZone is scaleway, and {settings.domain} is no zone in Scaleway DNS of this project"
        return failure("zone at Scaleway", found, f"add it at {_DOMAINS}, or set parentZone to external")
    if zone.status != DNSZoneStatus.ACTIVE:
        return failure("zone at Scaleway", f"{settings.domain} is {zone.status}: {zone.message or ''}", _DOMAINS)
    return ok("zone at Scaleway", f"{settings.domain} is in this project")


def _host(resolver: Resolver, settings: Settings) -> Line:
    servers = _servers(resolver, settings.domain)
    if servers is None:
        found = f"{settings.domain} does not exist in public DNS"
        return failure(
            PARENT, found, f"register it, or: pulumi config set shambhala:domain NAME; dig {settings.domain}"
        )
    if not servers:
        zone = dns.resolver.zone_for_name(settings.domain, resolver=resolver).to_text(omit_final_dot=True)
        if settings.parent_zone == "scaleway":
            found = f"{settings.domain} is not delegated to Scaleway: it lies in the zone {zone}"
            return failure(PARENT, found, f"delegate it there to ns0{SCALEWAY_SERVERS} and ns1{SCALEWAY_SERVERS}")
        return ok(PARENT, f"{settings.domain} lies in the zone {zone}; its host adds two records there")
    named = ", ".join(servers)
    at_scaleway = all(server.endswith(SCALEWAY_SERVERS) for server in servers)
    if settings.parent_zone == "scaleway" and not at_scaleway:
        found = f"{settings.domain} is hosted by {named}, not by Scaleway: nobody would see the records made there"
        mend = f"delegate it to ns0{SCALEWAY_SERVERS} and ns1{SCALEWAY_SERVERS}, or set parentZone to external"
        return failure(PARENT, found, mend)
    if settings.parent_zone == "external" and at_scaleway:
        found = f"{settings.domain} is hosted by Scaleway, and parentZone is external: two records are yours to add"
        return warning(PARENT, found, "pulumi config set shambhala:parentZone scaleway, if the zone is in this project")
    return ok(PARENT, f"{settings.domain} is hosted by {named}")


def _delegation(resolver: Resolver, settings: Settings) -> Line:
    zone = settings.zone_name
    own = f"{name_server_label(settings.subdomain)}.{settings.domain}"
    try:
        servers = _servers(resolver, zone)
    except dns.resolver.NoNameservers:
        found = f"{zone} is delegated to servers that do not answer; the game's own is {own}"
        return warning(DELEGATION, found, f"dig +trace NS {zone}")
    if not servers:
        return ok(DELEGATION, f"{zone} is nobody's yet; the update delegates it to {own}, or says what to add")
    foreign = sorted(set(servers) - {own})
    if foreign:
        found = f"{zone} is delegated already, to {', '.join(foreign)}"
        return failure(DELEGATION, found, f"remove that delegation, or set another subdomain; dig NS {zone}")
    return ok(DELEGATION, f"{zone} is delegated to {own}, the game's own name server")


def _caa(resolver: Resolver, settings: Settings) -> Generator[Line]:
    if settings.acme_directory is None:
        return
    identities = _identities(settings)
    if not identities:
        yield ok(CAA_RECORDS, "not looked at: the ACME authority does not say by which name CAA records allow it")
        return
    owner, records = _relevant(resolver, settings.zone_name)
    for kind in ("issue", "issuewild"):
        # Without a record of its own a wildcard is issued by the rule for names: RFC 8659, section 4.3.
        tagged = [record for record in records if record.tag == kind.encode()]
        if kind == "issuewild" and not tagged:
            continue
        allowed = {record.value.decode().partition(";")[0].strip() for record in tagged}
        if tagged and not allowed & set(identities):
            others = ", ".join(sorted(allowed - {""})) or "nobody"
            found = f"{owner} lets {others} issue ({kind}), not {identities[0]}"
            yield failure(CAA_RECORDS, found, f'add to {owner}: CAA 0 {kind} "{identities[0]}"')
            return
    yield ok(CAA_RECORDS, f"{identities[0]} may issue" if records else "no CAA record forbids an authority")


def _identities(settings: Settings) -> Sequence[str]:
    """The authority's names in CAA records."""
    directory = settings.acme_directory or ""
    if directory in ACME_DIRECTORIES.values():
        return [LETS_ENCRYPT]
    try:
        with get(directory, _TIMEOUT, settings.sources.acme_ca_bundle) as answer:
            told = answer.json()
    except (requests.RequestException, ValueError):
        # Whether it answers at all is a line among the sources.
        return []
    return [str(each) for each in told.get("meta", {}).get("caaIdentities", [])]


def _relevant(resolver: Resolver, zone: str) -> tuple[str, Sequence[CAA]]:
    """The records that count for a name: those of the nearest name above it that has any (RFC 8659, section 3)."""
    name = dns.name.from_text(zone)
    while len(name) > 2:
        try:
            answer = resolver.resolve(name, dns.rdatatype.CAA)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.NoNameservers):
            name = name.parent()
            continue
        return name.to_text(omit_final_dot=True), [each for each in answer if isinstance(each, CAA)]
    return zone, []


def _servers(resolver: Resolver, zone: str) -> Sequence[str] | None:
    """Name servers of a zone, sorted; none where the name is no zone, None where there is no such name."""
    try:
        answer = resolver.resolve(zone, dns.rdatatype.NS)
    except dns.resolver.NXDOMAIN:
        return None
    except dns.resolver.NoAnswer:
        return []
    return sorted(str(each.target).rstrip(".").lower() for each in answer)
