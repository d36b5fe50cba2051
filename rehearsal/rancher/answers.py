"""Answers of Rancher's API: errors, and what its routes read in requests."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TypeVar, cast

from aiohttp import web

from rehearsal.rancher.views import View

T = TypeVar("T")


class ApiError(Exception):
    """An answer that is an error of Rancher's API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error_answer(status: int, code: str, message: str) -> web.Response:
    """Error object of Rancher's API."""
    body = {"type": "error", "baseType": "error", "status": status, "code": code, "message": message}
    return web.json_response(body, status=status)


def found(thing: T | None) -> T:
    """The thing itself. Raises ApiError (404) for None."""
    if thing is None:
        raise ApiError(404, "NotFound", "404 page not found")
    return thing


async def body_of(request: web.Request) -> View:
    """JSON object in the body of a request. Raises ApiError (422)."""
    try:
        body: object = await request.json()
    except json.JSONDecodeError as error:
        raise ApiError(422, "InvalidBodyContent", "the body must be JSON") from error
    if not isinstance(body, dict):
        raise ApiError(422, "InvalidBodyContent", "the body must be a JSON object")
    return cast("View", body)


def texts(body: View, name: str) -> dict[str, str]:
    """Map of strings in a body; empty where it is missing."""
    given = body.get(name)
    return {str(key): str(value) for key, value in cast("View", given).items()} if isinstance(given, dict) else {}


def milliseconds(body: View) -> int:
    """Field `ttl` of a body; 0 where it is missing. Raises ApiError (422)."""
    given = body.get("ttl") or 0
    if not isinstance(given, int) or given < 0:
        raise ApiError(422, "InvalidFormat", "ttl must be a number of milliseconds")
    return given


def credentials(header: str) -> str:
    """`id:secret` of a Bearer or Basic header; empty without one."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value
    try:
        return base64.b64decode(value).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""
