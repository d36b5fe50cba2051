"""Load Balancer v1: their IPs, and the load balancers that a cluster's Services make.

A load balancer here is an address and a record in the store: whoever runs the cluster carries the traffic.
"""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.api_errors import ApiError, not_in_stand_in, still_in_use
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import has_tags, listing, page, total
from rehearsal.scaleway.records import Record, new_id, now, public, region_of
from rehearsal.scaleway.request_body import RequestBody
from rehearsal.session import Block

_IPS = "/lb/v1/zones/{zone}/ips"
_LBS = "/lb/v1/zones/{zone}/lbs"
TYPES = ("lb-s", "lb-gp-m", "lb-gp-l", "lb-gp-xl")
SSL_LEVELS = ("ssl_compatibility_level_intermediate", "ssl_compatibility_level_modern", "ssl_compatibility_level_old")


class LoadBalancerApi:
    """Reserved IPs, and load balancers with their IPs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_IPS, self._list_ips),
            web.post(_IPS, self._create_ip),
            web.get(_IPS + "/{id}", self._get_ip),
            web.patch(_IPS + "/{id}", self._update_ip),
            web.delete(_IPS + "/{id}", self._release_ip),
            web.get(_LBS, self._list),
            web.post(_LBS, self._create),
            web.get(_LBS + "/{id}", self._get),
            web.delete(_LBS + "/{id}", self._delete),
            web.get(_LBS + "/{id}/private-networks", self._private_networks),
        ]

    def acquire(self, cluster: Record, service: str, reserved_ip: str | None, zone: str | None) -> str:
        """The address of a Service's load balancer, made if there is none. See backends.LoadBalancers."""
        zone = zone or f"{cluster['region']}-1"
        balancer = next(iter(self._store.lbs.where(_cluster_id=cluster["id"], _service=service)), None)
        if balancer and reserved_ip in (None, balancer["_ip_id"]):
            return self._store.lb_ips.get(balancer["_ip_id"])["ip_address"]
        if self._context.shortage.load_balancers:
            raise LookupError("Quota exceeded for load balancers: ask Scaleway's support for more.")
        if reserved_ip:
            ip = self._store.lb_ips.find(reserved_ip)
            if ip is None or ip["zone"] != zone:
                raise LookupError(f"There is no load balancer IP {reserved_ip} in {zone}: reserve it first.")
            if ip["lb_id"]:
                raise LookupError(f"The load balancer IP {reserved_ip} belongs to another load balancer.")
        else:
            ip = self._new_ip(zone, cluster["project_id"], [])
        if balancer:
            # Another reserved IP makes another load balancer, as Scaleway's controller does it.
            self.remove(balancer, release_ip=not balancer["_reserved"])
        made = self._new(ip, f"{cluster['id']}_{service}", "", "lb-s", SSL_LEVELS[0])
        made.update(
            tags=["managed-by-scaleway-cloud-controller-manager", f"cluster={cluster['id']}", f"service-uid={service}"],
            status="ready",
            _cluster_id=cluster["id"],
            _service=service,
            _reserved=bool(reserved_ip),
        )
        self._store.save()
        return ip["ip_address"]

    def release(self, cluster_id: str, service: str) -> None:
        """Remove a Service's load balancer; an IP that was reserved before stays."""
        for balancer in self._store.lbs.where(_cluster_id=cluster_id, _service=service):
            self.remove(balancer, release_ip=not balancer["_reserved"])
        self._store.save()

    def remove_of(self, cluster_id: str) -> None:
        """Remove every load balancer that a cluster's Services made."""
        for balancer in self._store.lbs.where(_cluster_id=cluster_id):
            self.remove(balancer, release_ip=not balancer["_reserved"])

    def remove(self, balancer: Record, *, release_ip: bool) -> None:
        ip = self._store.lb_ips.find(balancer["_ip_id"])
        if ip:
            ip["lb_id"] = None
            if release_ip:
                self._store.lb_ips.remove(ip["id"])
        self._store.lbs.remove(balancer["id"])

    async def _list_ips(self, request: web.Request) -> web.Response:
        ips = self._store.lb_ips.where(zone=request.match_info["zone"])
        query = request.query
        chosen = [
            public(ip)
            for ip in ips
            if query.get("ip_address", ip["ip_address"]) == ip["ip_address"]
            and query.get("ip_type", "all") != "ipv6"
            and has_tags(request, ip)
        ]
        return listing(request, "ips", chosen)

    async def _create_ip(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "ip")
        tags, reverse, version_6 = body.texts("tags"), body.maybe_text("reverse"), body.flag("is_ipv6")
        body.check()
        if version_6:
            raise not_in_stand_in("public IPv6 addresses")
        ip = self._new_ip(request.match_info["zone"], project, tags)
        ip["reverse"] = reverse or ip["reverse"]
        self._store.save()
        return web.json_response(public(ip))

    async def _get_ip(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._find_ip(request)))

    async def _update_ip(self, request: web.Request) -> web.Response:
        ip = self._find_ip(request)
        body = await RequestBody.of(request)
        changes = {
            "reverse": body.text("reverse", "") or ip["reverse"],
            "tags": body.texts("tags") if "tags" in body else ip["tags"],
        }
        body.check()
        ip.update(changes)
        self._store.save()
        return web.json_response(public(ip))

    async def _release_ip(self, request: web.Request) -> web.Response:
        ip = self._find_ip(request)
        if ip["lb_id"]:
            raise still_in_use("the IP is attached to a load balancer")
        self._store.lb_ips.remove(ip["id"])
        self._store.save()
        return web.Response(status=204)

    async def _list(self, request: web.Request) -> web.Response:
        load_balancers = self._store.lbs.where(zone=request.match_info["zone"])
        named = [lb for lb in load_balancers if request.query.get("name", "") in lb["name"]]
        return listing(request, "lbs", list(map(self._view, named)))

    async def _create(self, request: web.Request) -> web.Response:
        zone = request.match_info["zone"]
        body = await RequestBody.of(request)
        project = self._context.project(body, "lb")
        name, description, tags = body.text("name"), body.text("description", ""), body.texts("tags")
        kind = body.text("type", TYPES[0]).lower()
        ssl = body.choice("ssl_compatibility_level", SSL_LEVELS, SSL_LEVELS[0])
        if kind not in TYPES:
            body.refuse("type", f"type must be one of {', '.join(TYPES)}")
        wanted = [identity for identity in [body.maybe_text("ip_id"), *body.texts("ip_ids")] if identity]
        body.check()
        ip = self._ip(wanted[0], zone) if wanted else self._new_ip(zone, project, [])
        if ip["lb_id"]:
            raise still_in_use("the IP is attached to another load balancer")
        balancer = self._new(ip, name, description, kind, ssl)
        balancer["tags"] = tags
        answer = self._view(balancer)
        # It carries no traffic, so nothing has to be waited for.
        balancer["status"] = "ready"
        self._store.save()
        return web.json_response(answer)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(self._find(request)))

    async def _delete(self, request: web.Request) -> web.Response:
        balancer = self._find(request)
        self.remove(balancer, release_ip=request.query.get("release_ip") == "true")
        self._store.save()
        return web.Response(status=204)

    async def _private_networks(self, request: web.Request) -> web.Response:
        self._find(request)
        attached: list[Record] = []
        return web.json_response(
            {"private_network": page(request, attached), "total_count": 0}, headers=total(attached)
        )

    def _find_ip(self, request: web.Request) -> Record:
        return self._ip(request.match_info["id"], request.match_info["zone"])

    def _ip(self, identity: str, zone: str) -> Record:
        ip = self._store.lb_ips.find(identity)
        if ip is None or ip["zone"] != zone:
            raise _gone("ips")
        return ip

    def _find(self, request: web.Request) -> Record:
        balancer = self._store.lbs.find(request.match_info["id"])
        if balancer is None or balancer["zone"] != request.match_info["zone"]:
            raise _gone("lbs")
        return balancer

    def _view(self, balancer: Record) -> Record:
        ip = self._store.lb_ips.get(balancer["_ip_id"])
        time = balancer["created_at"]
        instance: Record = {
            "id": balancer["_instance_id"],
            "created_at": time,
            "updated_at": time,
            "ip_address": "",
            "status": balancer["status"],
            "region": balancer["region"],
            "zone": balancer["zone"],
        }
        made = balancer["status"] != "to_create"
        return {**public(balancer), "ip": [public(ip)], "instances": [instance] if made else []}

    def _new_ip(self, zone: str, project: str, tags: list[str]) -> Record:
        address = self._context.free_address(Block.LOAD_BALANCERS, self._store.lb_ips, "ip_address")
        return self._store.lb_ips.add(
            {
                "id": new_id(),
                "ip_address": address,
                "lb_id": None,
                "organization_id": self._context.credentials.organization_id,
                "project_id": project,
                "region": region_of(zone),
                "reverse": f"{address.replace('.', '-')}.lb.{region_of(zone)}.scw.cloud",
                "tags": tags,
                "zone": zone,
            }
        )

    def _new(self, ip: Record, name: str, description: str, kind: str, ssl: str) -> Record:
        balancer = self._store.lbs.add(
            {
                "id": new_id(),
                "backend_count": 0,
                "created_at": now(),
                "description": description,
                "frontend_count": 0,
                "name": name,
                "organization_id": ip["organization_id"],
                "private_network_count": 0,
                "project_id": ip["project_id"],
                "region": ip["region"],
                "route_count": 0,
                "ssl_compatibility_level": ssl,
                "status": "to_create",
                "subscriber": None,
                "tags": [],
                "type": kind,
                "updated_at": now(),
                "zone": ip["zone"],
                "_ip_id": ip["id"],
                "_instance_id": new_id(),
                "_cluster_id": None,
                "_service": None,
                "_reserved": True,
            }
        )
        ip["lb_id"] = balancer["id"]
        return balancer


def _gone(what: str) -> ApiError:
    """404 in this product's own words."""
    return ApiError(404, {"message": f"{what} not Found"})
