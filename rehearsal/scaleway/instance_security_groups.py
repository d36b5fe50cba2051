"""Instance v1: security groups and their rules."""

from __future__ import annotations

from ipaddress import ip_network

from aiohttp import web

from rehearsal.scaleway.api_errors import conflict
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.instance_machines import MachineController
from rehearsal.scaleway.paging import instance_listing
from rehearsal.scaleway.records import Record, fixed_id, instance_now, new_id, public
from rehearsal.scaleway.request_body import RequestBody

_GROUPS = "/instance/v1/zones/{zone}/security_groups"
ACTIONS = ("accept", "drop")
DIRECTIONS = ("inbound", "outbound")
PROTOCOLS = ("TCP", "UDP", "ICMP", "ANY")
SMTP_PORTS = (25, 465, 587)


class SecurityGroups:
    """Who may reach a server; a change reaches the machines at once."""

    def __init__(self, context: Context, controller: MachineController) -> None:
        self._context = context
        self._store = context.store
        self._controller = controller

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_GROUPS, self._list),
            web.post(_GROUPS, self._create),
            web.get(_GROUPS + "/{id}", self._get),
            web.patch(_GROUPS + "/{id}", self._update),
            web.delete(_GROUPS + "/{id}", self._delete),
            web.get(_GROUPS + "/{id}/rules", self._rules),
            web.put(_GROUPS + "/{id}/rules", self._set_rules),
        ]

    def default(self, zone: str) -> Record:
        """The project's default group, which Scaleway makes with the first server that names none."""
        groups = self._store.security_groups.where(zone=zone, project_default=True)
        if groups:
            return groups[0]
        group = self._new(zone, self._context.credentials.project_id, "Default security group")
        group.update(project_default=True, organization_default=True, description="Auto generated security group.")
        return self._store.security_groups.add(group)

    async def _list(self, request: web.Request) -> web.Response:
        groups = self._store.security_groups.where(zone=request.match_info["zone"])
        named = [group for group in groups if request.query.get("name", group["name"]) == group["name"]]
        return instance_listing(request, "security_groups", list(map(self._view, named)))

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "security_group", "project")
        group = self._new(request.match_info["zone"], project, body.text("name"))
        self._change(group, body)
        self._store.security_groups.add(group)
        self._store.save()
        return web.json_response({"security_group": self._view(group)}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response({"security_group": self._view(self._find(request))})

    async def _update(self, request: web.Request) -> web.Response:
        group = self._find(request)
        self._change(group, await RequestBody.of(request))
        self._follow(group)
        return web.json_response({"security_group": self._view(group)})

    async def _delete(self, request: web.Request) -> web.Response:
        group = self._find(request)
        if self._servers(group):
            raise conflict("Group is in use. You cannot delete it.")
        self._store.security_groups.remove(group["id"])
        self._store.save()
        return web.Response(status=204)

    async def _rules(self, request: web.Request) -> web.Response:
        return instance_listing(request, "rules", _all_rules(self._find(request)))

    async def _set_rules(self, request: web.Request) -> web.Response:
        """Replace every rule; those of the default security (no SMTP) are not the user's to change."""
        group = self._find(request)
        body = await RequestBody.of(request)
        sent = [rule for rule in body.objects("rules") if rule.get("editable") is not False]
        body.check()
        group["_rules"] = [
            {**_rule(RequestBody(one), group["zone"]), "position": position} for position, one in enumerate(sent, 1)
        ]
        self._follow(group)
        return web.json_response({"rules": _all_rules(group)})

    def _find(self, request: web.Request) -> Record:
        return self._store.security_groups.get(request.match_info["id"], zone=request.match_info["zone"])

    def _servers(self, group: Record) -> list[Record]:
        return self._store.servers.where(_security_group_id=group["id"])

    def _view(self, group: Record) -> Record:
        servers = [{"id": server["id"], "name": server["name"]} for server in self._servers(group)]
        return {**public(group), "servers": servers}

    def _follow(self, group: Record) -> None:
        """Save a change and let the group's machines follow it."""
        group["modification_date"] = instance_now()
        self._store.save()
        for server in self._servers(group):
            self._controller.rewire(server)

    def _new(self, zone: str, project: str, name: str) -> Record:
        return {
            "id": new_id(),
            "creation_date": instance_now(),
            "modification_date": instance_now(),
            "name": name,
            "description": None,
            "organization": self._context.credentials.organization_id,
            "project": project,
            "servers": [],
            "stateful": True,
            "inbound_default_policy": "accept",
            "outbound_default_policy": "accept",
            "organization_default": False,
            "project_default": False,
            "enable_default_security": True,
            "state": "available",
            "tags": [],
            "zone": zone,
            "_rules": [],
        }

    def _change(self, group: Record, body: RequestBody) -> None:
        changes: Record = {
            "name": body.text("name", group["name"]),
            "description": body.text("description", "") if "description" in body else group["description"],
            "stateful": body.flag("stateful", group["stateful"]),
            "enable_default_security": body.flag("enable_default_security", group["enable_default_security"]),
            "tags": body.texts("tags") if "tags" in body else group["tags"],
        }
        for policy in ("inbound_default_policy", "outbound_default_policy"):
            changes[policy] = body.choice(policy, ACTIONS, group[policy])
        body.check()
        group.update(changes)


def _all_rules(group: Record) -> list[Record]:
    """The default security's rules against sending spam, then the user's."""
    blocked = [
        (family, port) for family in ("0.0.0.0/0", "::/0") for port in SMTP_PORTS if group["enable_default_security"]
    ]
    fixed = [
        _shape(
            identity=fixed_id("smtp", family, str(port)),
            protocol="TCP",
            direction="outbound",
            source=family,
            ports=(port, None),
            action="drop",
            zone=group["zone"],
            editable=False,
            position=number,
        )
        for number, (family, port) in enumerate(blocked, 1)
    ]
    return [*fixed, *group["_rules"]]


def _rule(body: RequestBody, zone: str) -> Record:
    """A rule as sent. Raises ApiError (400)."""
    first = body.integer("dest_port_from", 0, 0, 65535) or None
    last = body.integer("dest_port_to", 0, 0, 65535) or None
    if last is not None and (first is None or last < first):
        body.refuse("dest_port_to", "dest_port_to must not be less than dest_port_from")
    source = body.cidr("ip_range", "0.0.0.0/0")
    rule = _shape(
        identity=new_id(),
        protocol=body.choice("protocol", PROTOCOLS, "TCP"),
        direction=body.choice("direction", DIRECTIONS, "inbound"),
        source=_as_answered(source),
        ports=(first, last if last != first else None),
        action=body.choice("action", ACTIONS, "accept"),
        zone=zone,
        editable=True,
        position=0,
    )
    body.check()
    return rule


def _as_answered(source: str) -> str:
    """A single address is answered without its prefix length."""
    network = ip_network(source)
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else source


def _shape(
    *,
    identity: str,
    protocol: str,
    direction: str,
    source: str,
    ports: tuple[int | None, int | None],
    action: str,
    zone: str,
    editable: bool,
    position: int,
) -> Record:
    return {
        "id": identity,
        "protocol": protocol,
        "direction": direction,
        "ip_range": source,
        "dest_ip_range": None,
        "dest_port_from": ports[0],
        "dest_port_to": ports[1],
        "position": position,
        "editable": editable,
        "action": action,
        "zone": zone,
    }
