"""Pages of lists, as Scaleway cuts them: `page` from 1, and `per_page` or `page_size` up to 100."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import Any, TypeVar

from aiohttp import web

from rehearsal.scaleway.api_errors import invalid

DEFAULT_SIZE = 50
LARGEST_SIZE = 100
T = TypeVar("T")


def page(request: web.Request, items: Sequence[T]) -> list[T]:
    """The part of the items that the request asks for. Raises ApiError (400) for a page that cannot be."""
    number = _number(request, "page", 1)
    size_name = "page_size" if "page_size" in request.query else "per_page"
    size = min(_number(request, size_name, DEFAULT_SIZE), LARGEST_SIZE)
    return list(items[(number - 1) * size : number * size])


def listing(request: web.Request, name: str, items: Sequence[Mapping[str, Any]]) -> web.Response:
    """A page with `total_count` in the body, as most products answer."""
    return web.json_response({"total_count": len(items), name: page(request, items)}, headers=total(items))


def instance_listing(request: web.Request, name: str, items: Sequence[Mapping[str, Any]]) -> web.Response:
    """A page with the count in X-Total-Count only, as the Instance API (v1) answers."""
    return web.json_response({name: page(request, items)}, headers=total(items))


def has_tags(request: web.Request, record: Mapping[str, Any]) -> bool:
    """Whether a resource has every tag that the request asks for."""
    return set(request.query.getall("tags", [])) <= set(record["tags"])


def total(items: Sized) -> Mapping[str, str]:
    """The header that says how many there are on all pages."""
    return {"X-Total-Count": str(len(items))}


def _number(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name, str(default))
    if not value.isdecimal() or int(value) < 1:
        raise invalid(name, f"{name} must be a whole number from 1")
    return int(value)
