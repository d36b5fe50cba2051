"""Domains and DNS v2beta1: zones and their records.

The stand-in keeps them and answers no DNS query. Every domain belongs to the project: a zone comes into
being with its first record, as Scaleway does it for the zones below one's domain.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from aiohttp import web

from rehearsal.scaleway.api_errors import ApiError, conflict, not_found, not_in_stand_in
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_ZONES = "/domain/v2beta1/dns-zones"
NAME_SERVERS = ("ns0.dom.scw.cloud", "ns1.dom.scw.cloud")
TYPES = (
    "A", "AAAA", "ALIAS", "CAA", "CNAME", "DNAME", "DS", "HINFO", "HTTPS", "LOC", "MX", "NAPTR", "NS", "PTR",
    "RP", "SRV", "SSHFP", "SVCB", "TLSA", "TXT",
)  # fmt: skip
SHORTEST_TTL = 60
LONGEST_TTL = 2_592_000


class Domains:
    """DNS zones and records."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_ZONES, self._list),
            web.post(_ZONES, self._create),
            web.delete(_ZONES + "/{zone}", self._delete),
            web.get(_ZONES + "/{zone}/records", self._records),
            web.patch(_ZONES + "/{zone}/records", self._change),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        domain = query.get("domain", "")
        if domain in self._context.catalogue.domains and not self._store.dns_zones.find(domain):
            self._add(domain, "", self._context.credentials.project_id)
        named = {name for key in ("dns_zone", "dns_zones") for name in query.getall(key, []) if name}
        zones = [
            public(zone)
            for zone in self._store.dns_zones
            if (not named or zone["id"] in named)
            and query.get("domain", "") in ("", zone["domain"])
            and query.get("project_id", zone["project_id"]) == zone["project_id"]
        ]
        return listing(request, "dns_zones", [{k: v for k, v in zone.items() if k != "id"} for zone in zones])

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "dns_zone")
        domain, subdomain = body.text("domain"), body.text("subdomain", "")
        body.check()
        name = f"{subdomain}.{domain}".lstrip(".")
        if self._store.dns_zones.find(name):
            raise conflict(f"The zone {name} exists already.")
        zone = self._add(domain, subdomain, project)
        zone["_asked_for"] = True
        self._store.save()
        return web.json_response(_zone(zone))

    async def _delete(self, request: web.Request) -> web.Response:
        zone = self._store.dns_zones.get(request.match_info["zone"])
        if not zone["subdomain"]:
            raise ApiError(403, {"message": "root zone can't be deleted"})
        for record in self._store.dns_records.where(_zone=zone["id"]):
            self._store.dns_records.remove(record["id"])
        self._store.dns_zones.remove(zone["id"])
        self._store.save()
        return web.json_response({})

    async def _records(self, request: web.Request) -> web.Response:
        zone = self._store.dns_zones.get(request.match_info["zone"])
        query = request.query
        kind = query.get("type", "unknown")
        records = [
            public(record)
            for record in self._store.dns_records.where(_zone=zone["id"])
            if query.get("name", "") in ("", record["name"])
            and query.get("id", record["id"]) == record["id"]
            and kind in ("unknown", record["type"])
        ]
        # By name, as asked for (order_by=name_asc is the only order that clients use).
        return listing(request, "records", sorted(records, key=lambda record: record["name"]))

    async def _change(self, request: web.Request) -> web.Response:
        """Apply changes in order; all of them or, when one is wrong, none."""
        body = await RequestBody.of(request)
        changes = body.objects("changes")
        all_records, no_new_zone = body.flag("return_all_records"), body.flag("disallow_new_zone_creation")
        body.check()
        zone = self._zone_for(request.match_info["zone"], no_new_zone)
        before = dict(self._store.dns_records.records)
        changed: list[Record] = []
        try:
            for change in changes:
                changed += self._apply(zone, RequestBody(change))
        except ApiError:
            self._store.dns_records.records = before
            raise
        zone["updated_at"] = _now()
        self._store.save()
        shown = self._store.dns_records.where(_zone=zone["id"]) if all_records else changed
        return web.json_response({"records": list(map(public, shown))})

    def _apply(self, zone: Record, change: RequestBody) -> list[Record]:
        for kind in ("add", "set", "delete", "clear"):
            if kind in change:
                what = RequestBody(change.object(kind))
                break
        else:
            raise not_in_stand_in("this kind of change of records")
        if kind in ("set", "delete", "clear"):
            gone = self._chosen(zone, what) if kind != "clear" else self._store.dns_records.where(_zone=zone["id"])
            for record in gone:
                self._store.dns_records.remove(record["id"])
            if kind != "set":
                return []
            kept = [record["id"] for record in gone]
        else:
            kept = []
        added: list[Record] = []
        for number, sent in enumerate(what.objects("records")):
            record = _record(zone, RequestBody(sent), kept[number] if number < len(kept) else new_id())
            added.append(self._store.dns_records.add(record))
        what.check()
        return added

    def _chosen(self, zone: Record, what: RequestBody) -> list[Record]:
        """The records that a change names by id or by fields. Raises ApiError (404) for an id that is none."""
        identity = what.maybe_text("id")
        if identity:
            return [self._store.dns_records.get(identity, _zone=zone["id"])]
        wanted = what.object("id_fields")
        return [
            record
            for record in self._store.dns_records.where(_zone=zone["id"])
            if all(record.get(name) == value for name, value in wanted.items() if value is not None)
        ]

    def _zone_for(self, name: str, no_new_zone: bool) -> Record:
        zone = self._store.dns_zones.find(name)
        if zone:
            return zone
        if no_new_zone:
            raise not_found("dns_zone", name)
        labels = name.split(".")
        return self._add(".".join(labels[-2:]), ".".join(labels[:-2]), self._context.credentials.project_id)

    def _add(self, domain: str, subdomain: str, project: str) -> Record:
        zone = self._store.dns_zones.add(
            {
                "id": f"{subdomain}.{domain}".lstrip("."),
                "domain": domain,
                "subdomain": subdomain,
                "ns": list(NAME_SERVERS),
                "ns_default": list(NAME_SERVERS),
                "ns_master": [],
                "status": "active",
                "message": None,
                "updated_at": _now(),
                "project_id": project,
                "linked_products": [],
                "_asked_for": False,
            }
        )
        for server in NAME_SERVERS:
            sent = {"name": "", "type": "NS", "data": f"{server}.", "ttl": 1800, "priority": 0}
            self._store.dns_records.add({**_record(zone, RequestBody(sent), new_id()), "_own": True})
        return zone


def _zone(zone: Record) -> Record:
    return {key: value for key, value in public(zone).items() if key != "id"}


def _record(zone: Record, body: RequestBody, identity: str) -> Record:
    """A record as sent. Raises ApiError (400)."""
    kind, data = body.choice("type", TYPES, "A"), body.text("data")
    record: Record = {
        "id": identity,
        "data": data,
        "name": body.text("name", ""),
        "priority": body.integer("priority", 0, 0, 65535),
        "ttl": body.integer("ttl", 3600, SHORTEST_TTL, LONGEST_TTL),
        "type": kind,
        "comment": body.maybe_text("comment"),
        "updated_at": _now(),
        "_zone": zone["id"],
        "_own": False,
    }
    versions = {"A": IPv4Address, "AAAA": IPv6Address}
    if kind in versions and data:
        try:
            versions[kind](data)
        except ValueError as error:
            body.refuse("data", str(error), "format")
    for service in ("geo_ip_config", "http_service_config", "weighted_config", "view_config"):
        if service in body:
            raise not_in_stand_in(f"dynamic records ({service})")
    body.check()
    # This is how Scaleway answers: with the priority in the data too, and texts in quotes.
    if kind == "SRV" and data.split()[0].isdecimal():
        record["priority"] = int(data.split()[0])
    if kind == "MX":
        record["data"] = f"{record['priority']} {data}"
    if kind == "TXT" and not data.startswith('"'):
        record["data"] = f'"{data}"'
    return record


def _now() -> str:
    """The time to the second, as this product writes it."""
    return now()[:19] + "Z"
