"""IAM v1alpha1 as far as it tells what the key may do; the organization's quotas; the stock of Instance types.

Fields are those of the provider's own recordings (internal/services/iam/testdata/policy-basic) and of the SDK. The name
of a quota is known for types of Instances: `cp_servers_type_L4_1_24G`, as Scaleway's own refusals call it. The others'
names are the stand-in's, and each `pretty_name` is what Scaleway's page calls it:
https://www.scaleway.com/en/docs/organizations-and-projects/additional-content/organization-quotas/
"""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from rehearsal.scaleway.account import STOCK, Account
from rehearsal.scaleway.api_errors import not_found
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.iam_applications import check_organization
from rehearsal.scaleway.iam_policies import OF_THE_ORGANIZATION
from rehearsal.scaleway.marketplace_images import ZONES
from rehearsal.scaleway.offers import SERVER_TYPES
from rehearsal.scaleway.paging import listing, page, total
from rehearsal.scaleway.records import Record, fixed_id, region_of
from rehearsal.scaleway.request_body import RequestBody

_IAM = "/iam/v1alpha1"
_OWN = "/rehearsal/account"
UNLIMITED = 99_999
PER_TYPE = 40
"""Instances of each type; Scaleway's own differ by type (1 to 20), and are raised on request."""
QUOTAS = (
    ("k8s_clusters", "Kubernetes Kapsule", "global", 40),
    ("instance_ips", "Instances IPs", "zone", 50),
    ("instance_volumes", "Volumes", "zone", 5000),
    ("block_storage_gb", "Block Storage total size in GB", "zone", 5000),
    ("local_storage_gb", "Local Storage total size in GB", "zone", 5000),
    ("instance_security_groups", "Security Groups", "zone", UNLIMITED),
    ("vpc_private_networks", "Private Networks", "region", 255),
    ("lbs", "Load Balancers", "zone", 50),
    ("vpc_public_gateways", "Public Gateways", "zone", 20),
    ("registry_namespaces", "Registry namespaces", "region", UNLIMITED),
    ("api_keys", "API keys", "global", 50),
    ("applications", "Applications", "global", 100),
    ("policies", "Policies", "global", 50),
)
"""Name, pretty name, locality and limit of the quotas that are not of a type."""


class Rights:
    """Policies and rules of the key's bearer, quotas, stock, and the test's own route."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._account = context.account

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{_IAM}/groups", self._groups),
            web.get(f"{_IAM}/users/{{id}}", self._user),
            web.get(f"{_IAM}/quota", self._quota),
            web.get("/instance/v1/zones/{zone}/products/servers/availability", self._stock),
            web.put(_OWN, self._become),
            web.delete(_OWN, self._forget),
        ]

    async def _groups(self, request: web.Request) -> web.Response:
        check_organization(self._context, request.query.get("organization_id", ""))
        return listing(request, "groups", [])

    async def _user(self, request: web.Request) -> web.Response:
        identity = request.match_info["id"]
        if identity != self._context.credentials.organization_id:
            raise not_found("user", identity)
        organization = self._context.credentials.organization_id
        return web.json_response(
            {
                "id": identity,
                "email": "owner@example.org",
                "username": "owner@example.org",
                "first_name": "",
                "last_name": "",
                "phone_number": "",
                "locale": "en_US",
                "created_at": None,
                "updated_at": None,
                "organization_id": organization,
                "deletable": False,
                "last_login_at": None,
                "type": "owner",
                "status": "activated",
                "mfa": True,
                "account_root_user_id": identity,
                "tags": [],
                "locked": False,
            }
        )

    async def _quota(self, request: web.Request) -> web.Response:
        check_organization(self._context, request.query.get("organization_id", ""))
        named = set(request.query.getall("quotum_names", []))
        quotas = [quota for quota in self._quotas() if not named or quota["name"] in named]
        return listing(request, "quota", quotas)

    def _quotas(self) -> Iterator[Record]:
        typed = ((f"cp_servers_type_{name.replace('-', '_')}", name, "zone", PER_TYPE) for name in SERVER_TYPES)
        for name, pretty, locality, by_default in (*typed, *QUOTAS):
            limit = self._account.quotas.get(name, by_default)
            if limit < 0:
                continue
            places: dict[str, list[Record]] = {
                "zone": [{"zone": zone, "limit": limit} for zone in ZONES],
                "region": [{"region": region, "limit": limit} for region in dict.fromkeys(map(region_of, ZONES))],
                "global": [{"global": True, "limit": limit}],
            }
            yield {
                "name": name,
                "limit": limit,
                "pretty_name": pretty,
                "unit": "",
                "description": "",
                "locality_type": locality,
                "limits": places[locality],
            }

    async def _stock(self, request: web.Request) -> web.Response:
        stock = self._account.stock
        names = page(request, sorted(SERVER_TYPES))
        servers = {name: {"availability": stock.get(name, STOCK[0])} for name in names}
        return web.json_response({"servers": servers}, headers=total(SERVER_TYPES))

    async def _become(self, request: web.Request) -> web.Response:
        sent = await RequestBody.of(request)
        stock = sent.object("stock")
        if not set(stock.values()) <= set(STOCK):
            sent.refuse("stock", f"stock must be one of {', '.join(STOCK)}")
        account = Account(
            expires_at=sent.maybe_text("expires_at"),
            permission_sets=sent.texts("permission_sets") if "permission_sets" in sent else None,
            quotas=sent.object("quotas"),
            stock=stock,
            unpriced=sent.texts("unpriced"),
        )
        sent.check()
        self._account.become(account)
        self._grant(account.permission_sets)
        return web.Response(status=204)

    async def _forget(self, request: web.Request) -> web.Response:
        self._account.become(Account())
        self._grant(None)
        return web.Response(status=204)

    def _grant(self, names: list[str] | None) -> None:
        """Let an application with a policy be the key's bearer, or the owner."""
        store, credentials = self._context.store, self._context.credentials
        identity, policy = fixed_id("application", credentials.access_key), fixed_id("policy", credentials.access_key)
        store.iam_applications.remove(identity)
        store.iam_policies.remove(policy)
        if names is None:
            return
        both: Record = {
            "name": "rehearsal",
            "description": "",
            "organization_id": credentials.organization_id,
            "created_at": None,
            "updated_at": None,
            "editable": True,
            "deletable": True,
            "managed": False,
            "tags": [],
            "_asked_for": False,
        }
        store.iam_applications.add({"id": identity, **both})
        rules = [
            {
                "id": fixed_id("rule", scope, policy),
                "permission_set_names": granted,
                "permission_sets_scope_type": scope,
                "condition": "",
                **place,
            }
            for scope, place in (
                ("organization", {"organization_id": credentials.organization_id}),
                ("projects", {"project_ids": [credentials.project_id]}),
            )
            if (
                granted := [name for name in names if name.startswith(OF_THE_ORGANIZATION) == (scope == "organization")]
            )
        ]
        store.iam_policies.add({"id": policy, **both, "application_id": identity, "_rules": rules})
