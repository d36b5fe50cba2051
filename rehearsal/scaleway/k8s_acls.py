"""Kubernetes v1: ACL rules of a cluster's API."""

from __future__ import annotations

from aiohttp import web

from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import page
from rehearsal.scaleway.records import Record, new_id
from rehearsal.scaleway.request_body import RequestBody

_ACLS = "/k8s/v1/regions/{region}/clusters/{id}/acls"
OPEN_TO_ALL = (
    {"ip": "0.0.0.0/0", "description": "Allow all"},
    {"scaleway_ranges": True, "description": "Allow Scaleway"},
)


class Acls:
    """ACL rules; kept and shown, and not enforced."""

    def __init__(self, context: Context) -> None:
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [web.get(_ACLS, self._list), web.put(_ACLS, self._set)]

    async def _list(self, request: web.Request) -> web.Response:
        rules: list[Record] = self._cluster(request)["_acls"]
        return web.json_response({"rules": page(request, rules), "total_count": len(rules)})

    async def _set(self, request: web.Request) -> web.Response:
        """Keep the rules; the control plane listens on this host's loopback whatever they allow."""
        cluster = self._cluster(request)
        body = await RequestBody.of(request)
        rules: list[Record] = []
        for sent in body.objects("acls"):
            rule = RequestBody(sent)
            if "scaleway_ranges" not in rule:
                rule.cidr("ip", "0.0.0.0/0")
            rule.check()
            rules.append(acl_rule(sent))
        body.check()
        cluster["_acls"] = rules
        self._store.save()
        return web.json_response({"rules": rules})

    def _cluster(self, request: web.Request) -> Record:
        return self._store.clusters.get(request.match_info["id"], region=request.match_info["region"])


def acl_rule(sent: Record) -> Record:
    """Rule as the API shows it."""
    source: Record = {"scaleway_ranges": True} if sent.get("scaleway_ranges") else {"ip": sent["ip"]}
    return {"id": new_id(), "region": "", **source, "description": sent.get("description") or ""}
