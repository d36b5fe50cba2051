"""IAM v1alpha1: applications and their API keys, the one that asks among them."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime

from aiohttp import web

from rehearsal.scaleway.api_errors import invalid, not_in_stand_in, permissions_denied
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, fixed_id, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

_APPLICATIONS = "/iam/v1alpha1/applications"
_KEYS = "/iam/v1alpha1/api-keys"
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 200


class Applications:
    """Applications of the organization, and API keys. Their secret halves are told once and kept nowhere."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(_APPLICATIONS, self._list),
            web.post(_APPLICATIONS, self._create),
            web.get(_APPLICATIONS + "/{id}", self._get),
            web.patch(_APPLICATIONS + "/{id}", self._update),
            web.delete(_APPLICATIONS + "/{id}", self._delete),
            web.get(_KEYS, self._list_keys),
            web.post(_KEYS, self._create_key),
            web.get(_KEYS + "/{id}", self._get_key),
            web.patch(_KEYS + "/{id}", self._update_key),
            web.delete(_KEYS + "/{id}", self._delete_key),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        check_organization(self._context, query.get("organization_id", ""))
        found = [
            self._view(each)
            for each in self._store.iam_applications
            if query.get("name", each["name"]) == each["name"]
            and ("tag" not in query or query["tag"] in each["tags"])
            and each["id"] in query.getall("application_ids", [each["id"]])
        ]
        return listing(request, "applications", found)

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        name, description = named(body)
        organization, tags = body.text("organization_id"), body.texts("tags")
        body.check()
        check_organization(self._context, organization)
        made: Record = {
            "id": new_id(),
            "name": name,
            "description": description,
            "created_at": now(),
            "updated_at": now(),
            "organization_id": organization,
            "editable": True,
            "deletable": True,
            "managed": False,
            "tags": tags,
        }
        self._store.iam_applications.add(made)
        self._store.save()
        return web.json_response(self._view(made))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._view(self._store.iam_applications.get(request.match_info["id"])))

    async def _update(self, request: web.Request) -> web.Response:
        application = self._store.iam_applications.get(request.match_info["id"])
        body = await RequestBody.of(request)
        name, description = named(body, application)
        tags = body.texts("tags") if "tags" in body else application["tags"]
        body.check()
        application.update(name=name, description=description, tags=tags, updated_at=now())
        self._store.save()
        return web.json_response(self._view(application))

    async def _delete(self, request: web.Request) -> web.Response:
        """Its keys go with it, and its policies have nobody any more whom they let in.

        Source: https://www.scaleway.com/en/docs/iam/how-to/manage-applications/
        """
        application = self._store.iam_applications.get(request.match_info["id"])
        for key in self._store.iam_api_keys.where(application_id=application["id"]):
            self._store.iam_api_keys.remove(key["id"])
        for policy in self._store.iam_policies.where(application_id=application["id"]):
            del policy["application_id"]
            policy.update(no_principal=True, updated_at=now())
        self._store.iam_applications.remove(application["id"])
        self._store.save()
        return web.Response(status=204)

    def _view(self, application: Record) -> Record:
        keys = self._store.iam_api_keys.where(application_id=application["id"])
        return {**public(application), "nb_api_keys": len(keys)}

    async def _list_keys(self, request: web.Request) -> web.Response:
        query = request.query
        check_organization(self._context, query.get("organization_id", ""))
        found = [
            key_view(key)
            for key in (self._own(), *self._store.iam_api_keys)
            if query.get("description", key["description"]) == key["description"]
            and query.get("bearer_id", _bearer(key)) == _bearer(key)
            and query.get("application_id", _bearer(key)) == _bearer(key)
            and query.get("access_key", key["id"]) == key["id"]
            and key["id"] in query.getall("access_keys", [key["id"]])
            and query.get("bearer_type", "unknown_bearer_type") in ("unknown_bearer_type", _bearer_type(key))
        ]
        return listing(request, "api_keys", found)

    async def _create_key(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        if "user_id" in body:
            raise not_in_stand_in("API keys of users")
        bearer = body.text("application_id")
        description = body.text("description", "")
        if len(description) > LONGEST_DESCRIPTION:
            body.refuse("description", f"description must have at most {LONGEST_DESCRIPTION} characters")
        ends = _moment(body)
        # The organization's own project has the organization's id.
        project = body.text("default_project_id", "") or self._context.credentials.organization_id
        body.check()
        self._store.iam_applications.get(bearer)
        self._check_project(project)
        access_key = "SCW" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(17))
        made: Record = {
            "id": access_key,
            "description": description,
            "created_at": now(),
            "updated_at": now(),
            "expires_at": ends,
            "default_project_id": project,
            "editable": True,
            "deletable": True,
            "managed": False,
            "creation_ip": "127.0.0.1",
            "application_id": bearer,
        }
        self._store.iam_api_keys.add(made)
        self._store.save()
        return web.json_response(key_view(made) | {"secret_key": new_id()})

    async def _get_key(self, request: web.Request) -> web.Response:
        return web.json_response(key_view(self._find_key(request)))

    async def _update_key(self, request: web.Request) -> web.Response:
        key = self._store.iam_api_keys.get(request.match_info["id"])
        body = await RequestBody.of(request)
        description = body.text("description", key["description"])
        project = body.text("default_project_id", key["default_project_id"])
        body.check()
        self._check_project(project)
        key.update(description=description, default_project_id=project, updated_at=now())
        self._store.save()
        return web.json_response(key_view(key))

    async def _delete_key(self, request: web.Request) -> web.Response:
        key = self._store.iam_api_keys.get(request.match_info["id"])
        self._store.iam_api_keys.remove(key["id"])
        self._store.save()
        return web.Response(status=204)

    def _find_key(self, request: web.Request) -> Record:
        own = self._own()
        asked = request.match_info["id"]
        return own if asked == own["id"] else self._store.iam_api_keys.get(asked)

    def _own(self) -> Record:
        """The key that asks."""
        credentials = self._context.credentials
        return {
            "id": credentials.access_key,
            "description": "rehearsal",
            "created_at": None,
            "updated_at": None,
            "expires_at": self._context.account.expires_at,
            "default_project_id": credentials.project_id,
            "editable": False,
            "deletable": False,
            "managed": False,
            "creation_ip": "127.0.0.1",
            **self._bearer_of_own(),
        }

    def _bearer_of_own(self) -> Record:
        """Whose the key that asks is: the owner's, or an application's where a test gave it permission sets."""
        if self._context.account.permission_sets is None:
            return {"user_id": self._context.credentials.organization_id}
        return {"application_id": fixed_id("application", self._context.credentials.access_key)}

    def _check_project(self, project: str) -> None:
        credentials = self._context.credentials
        if project not in (credentials.project_id, credentials.organization_id):
            raise permissions_denied("project", "read")


def key_view(key: Record) -> Record:
    """A key as the API shows it: without its secret half."""
    shown = public(key)
    return {"access_key": shown.pop("id"), "secret_key": None, **shown}


def check_organization(context: Context, organization: str) -> None:
    """Raise ApiError: 400 where the request names no organization, 403 for another's."""
    if not organization:
        raise invalid("organization_id", "organization_id is required", "required")
    if organization != context.credentials.organization_id:
        raise permissions_denied("organization", "read")


def named(body: RequestBody, before: Record | None = None) -> tuple[str, str]:
    """Name and description as sent, or as before; what is too long is refused."""
    name = body.text("name", None if before is None else before["name"])
    description = body.text("description", "" if before is None else before["description"])
    for key, value, most in (("name", name, LONGEST_NAME), ("description", description, LONGEST_DESCRIPTION)):
        if len(value) > most:
            body.refuse(key, f"{key} must have at most {most} characters")
    return name, description


def _moment(body: RequestBody) -> str | None:
    text = body.maybe_text("expires_at")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment > datetime.now(UTC):
            return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        body.refuse("expires_at", "expires_at must lie in the future")
    # A moment without a zone can be compared with none that has one.
    except (ValueError, TypeError):
        body.refuse("expires_at", "expires_at must be a moment as in RFC 3339", "format")
    return None


def _bearer(key: Record) -> str:
    return str(key.get("application_id") or key["user_id"])


def _bearer_type(key: Record) -> str:
    return "application" if "application_id" in key else "user"
