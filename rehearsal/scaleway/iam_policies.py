"""IAM v1alpha1: policies and their rules. Nothing here asks them: the one key that the stand-in knows may do all."""

from __future__ import annotations

from collections.abc import Iterator

from aiohttp import web

from rehearsal.scaleway.api_errors import invalid, not_in_stand_in, permissions_denied
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.iam_applications import check_organization, named
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_POLICIES = "/iam/v1alpha1/policies"
_RULES = "/iam/v1alpha1/rules"
PRINCIPALS = ("user_id", "group_id", "application_id", "no_principal")
OF_THE_ORGANIZATION = (
    "AbuseTicket", "AuditTrail", "Billing", "EnvironmentalImpact", "IAM", "NotificationManager", "Organization",
    "Project", "SupportTicket",
)  # fmt: skip
"""How the permission sets begin that are scoped by an organization; all others are scoped by projects.

Source: https://www.scaleway.com/en/docs/iam/reference-content/permission-sets/
"""


class Policies:
    """Policies of the organization, each with its rules."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_POLICIES, self._list),
            web.post(_POLICIES, self._create),
            web.get(_POLICIES + "/{id}", self._get),
            web.patch(_POLICIES + "/{id}", self._update),
            web.delete(_POLICIES + "/{id}", self._delete),
            web.get(_RULES, self._list_rules),
            web.put(_RULES, self._set_rules),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        check_organization(self._context, query.get("organization_id", ""))
        found = [
            _view(policy)
            for policy in self._store.iam_policies
            if query.get("policy_name", policy["name"]) == policy["name"]
            and ("tag" not in query or query["tag"] in policy["tags"])
            and policy["id"] in query.getall("policy_ids", [policy["id"]])
            and policy.get("application_id") in query.getall("application_ids", [policy.get("application_id")])
            and query.get("no_principal", "false") in ("false", str(policy.get("no_principal", False)).lower())
        ]
        return listing(request, "policies", found)

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        name, description = named(body)
        organization, tags = body.text("organization_id"), body.texts("tags")
        rules = body.objects("rules")
        body.check()
        check_organization(self._context, organization)
        policy: Record = {
            "id": new_id(),
            "name": name,
            "description": description,
            "organization_id": organization,
            "created_at": now(),
            "updated_at": now(),
            "editable": True,
            "deletable": True,
            "managed": False,
            "tags": tags,
            **self._principal(body),
            "_rules": list(self._rules(rules)),
        }
        self._store.iam_policies.add(policy)
        self._store.save()
        # It is counted a moment later.
        return web.json_response(_view(policy) | {"nb_rules": 0, "nb_scopes": 0, "nb_permission_sets": 0})

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(_view(self._store.iam_policies.get(request.match_info["id"])))

    async def _update(self, request: web.Request) -> web.Response:
        policy = self._store.iam_policies.get(request.match_info["id"])
        body = await RequestBody.of(request)
        name, description = named(body, policy)
        tags = body.texts("tags") if "tags" in body else policy["tags"]
        body.check()
        if any(key in body for key in PRINCIPALS):
            principal = self._principal(body)
            for key in PRINCIPALS:
                policy.pop(key, None)
            policy.update(principal)
        policy.update(name=name, description=description, tags=tags, updated_at=now())
        self._store.save()
        return web.json_response(_view(policy))

    async def _delete(self, request: web.Request) -> web.Response:
        policy = self._store.iam_policies.get(request.match_info["id"])
        self._store.iam_policies.remove(policy["id"])
        self._store.save()
        return web.Response(status=204)

    async def _list_rules(self, request: web.Request) -> web.Response:
        policy = self._store.iam_policies.get(request.query.get("policy_id", ""))
        return listing(request, "rules", policy["_rules"])

    async def _set_rules(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        identity, rules = body.text("policy_id"), body.objects("rules")
        body.check()
        policy = self._store.iam_policies.get(identity)
        policy.update(_rules=list(self._rules(rules)), updated_at=now())
        self._store.save()
        return web.json_response({"rules": policy["_rules"]})

    def _principal(self, body: RequestBody) -> Record:
        """Whom a policy lets in: exactly one. Raises ApiError."""
        given = [key for key in PRINCIPALS if key in body]
        if len(given) != 1:
            raise invalid("principal", f"exactly one of {', '.join(PRINCIPALS)} must be set")
        [key] = given
        if key in ("user_id", "group_id"):
            raise not_in_stand_in(f"policies with a {key}")
        if key == "no_principal":
            return {key: body.flag(key)}
        application = body.text(key)
        body.check()
        return {key: self._store.iam_applications.get(application)["id"]}

    def _rules(self, sent: list[Record]) -> Iterator[Record]:
        """The rules as kept. Raises ApiError for a scope that its permission sets cannot have."""
        credentials = self._context.credentials
        for one in sent:
            body = RequestBody(one)
            names, condition = body.texts("permission_set_names"), body.text("condition", "")
            organization, projects = body.maybe_text("organization_id"), body.texts("project_ids")
            if not names:
                body.refuse("permission_set_names", "permission_set_names is required", "required")
            if (organization is None) == (not projects):
                body.refuse("project_ids", "exactly one of project_ids and organization_id must be set")
            wide = {name.startswith(OF_THE_ORGANIZATION) for name in names}
            if len(wide) > 1 or (wide == {True} and projects):
                body.refuse("permission_set_names", "a permission set of the organization cannot have this scope")
            body.check()
            if organization not in (None, credentials.organization_id):
                raise permissions_denied("organization", "write")
            # The organization's own project has the organization's id.
            if not set(projects) <= {credentials.project_id, credentials.organization_id}:
                raise permissions_denied("project", "write")
            yield {
                "id": new_id(),
                "permission_set_names": names,
                "permission_sets_scope_type": "organization" if wide == {True} else "projects",
                "condition": condition,
                **({"project_ids": projects} if organization is None else {"organization_id": organization}),
            }


def _view(policy: Record) -> Record:
    rules: list[Record] = policy["_rules"]
    scopes = {scope for rule in rules for scope in rule.get("project_ids", [rule.get("organization_id")])}
    names = {name for rule in rules for name in rule["permission_set_names"]}
    counts = {"nb_rules": len(rules), "nb_scopes": len(scopes), "nb_permission_sets": len(names)}
    return {**public(policy), **counts}
