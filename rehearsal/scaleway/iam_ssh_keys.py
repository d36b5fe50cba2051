"""IAM v1alpha1: the project's SSH keys."""

from __future__ import annotations

import base64
import binascii
import hashlib

from aiohttp import web

from rehearsal.scaleway.api_errors import invalid
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.paging import listing
from rehearsal.scaleway.records import Record, new_id, now, public
from rehearsal.scaleway.request_body import RequestBody

KEY_BITS = {"ssh-ed25519": 256, "ecdsa-sha2-nistp256": 256, "ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521}


class SshKeys:
    """SSH keys; a server gets those of its project when it boots."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/iam/v1alpha1/ssh-keys", self._list),
            web.post("/iam/v1alpha1/ssh-keys", self._create),
            web.get("/iam/v1alpha1/ssh-keys/{id}", self._get),
            web.patch("/iam/v1alpha1/ssh-keys/{id}", self._update),
            web.delete("/iam/v1alpha1/ssh-keys/{id}", self._delete),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        keys = [
            public(key)
            for key in self._store.ssh_keys
            if query.get("name", key["name"]) == key["name"]
            and query.get("disabled", str(key["disabled"]).lower()) == str(key["disabled"]).lower()
        ]
        return listing(request, "ssh_keys", keys)

    async def _create(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        project = self._context.project(body, "ssh_key")
        name, text = body.text("name", ""), body.text("public_key")
        body.check()
        key, fingerprint = _parse(text)
        made: Record = {
            "id": new_id(),
            "name": name,
            "public_key": key,
            "fingerprint": fingerprint,
            "created_at": now(),
            "updated_at": now(),
            "organization_id": self._context.credentials.organization_id,
            "project_id": project,
            "disabled": False,
        }
        self._store.ssh_keys.add(made)
        self._store.save()
        return web.json_response(public(made))

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(public(self._store.ssh_keys.get(request.match_info["id"])))

    async def _update(self, request: web.Request) -> web.Response:
        key = self._store.ssh_keys.get(request.match_info["id"])
        body = await RequestBody.of(request)
        changes = {"name": body.text("name", key["name"]), "disabled": body.flag("disabled", key["disabled"])}
        body.check()
        key.update(changes, updated_at=now())
        self._store.save()
        return web.json_response(public(key))

    async def _delete(self, request: web.Request) -> web.Response:
        key = self._store.ssh_keys.get(request.match_info["id"])
        self._store.ssh_keys.remove(key["id"])
        self._store.save()
        return web.Response(status=204)


def _parse(text: str) -> tuple[str, str]:
    """A public key without its comment, and its fingerprint. Raises ApiError (400) for what is none."""
    kind, *rest = text.split()
    try:
        blob = base64.b64decode(rest[0], validate=True)
    except (IndexError, binascii.Error) as error:
        raise invalid("public_key", "public_key must be an OpenSSH public key", "format") from error
    # The key itself repeats its kind, after a length of four bytes.
    if not blob[4:].startswith(kind.encode()):
        raise invalid("public_key", f"public_key is not of the kind {kind} that it claims", "format")
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    colons = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    # The modulus of an RSA key is nearly all of it: length fields and exponent take 22 bytes or so.
    bits = KEY_BITS.get(kind, (len(blob) - 22) // 32 * 256)
    return f"{kind} {rest[0]}", f"{bits} MD5:{colons} ({kind})"
