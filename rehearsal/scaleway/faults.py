"""Faults on demand, and a count of what is there: what tests ask of the stand-in, outside Scaleway's paths.

As everywhere, X-Auth-Token holds the secret key. Bodies are JSON; 400 says what is wrong with one.

POST   /rehearsal/faults  {"answer": 503, "requests": 3}     the next 3 requests get 503
POST   /rehearsal/faults  {"answer": 429, "seconds": 10, "method": "GET", "path": "/k8s/"}
POST   /rehearsal/faults  {"answer": "timeout", "requests": 1}  no answer until the client hangs up
POST   /rehearsal/faults  {"never_boot": true}               the next new machine never boots
POST   /rehearsal/faults  {"no_nodes": true}                 pools stay without nodes, until faults are taken back
POST   /rehearsal/faults  {"no_load_balancers": true}        the quota is used up, until faults are taken back
GET    /rehearsal/faults  {"faults": […]}: what is still to come
DELETE /rehearsal/faults  none any more
GET    /rehearsal/state   how many there are of each kind of resource

answer: 429, 500, 502, 503, 504 or "timeout". requests or seconds, one of them: how often or how long. method
and path narrow a fault down to one method and to paths that start so; without them it hits every request. Of
several faults the oldest that fits hits. A request that is hit changes nothing. Faults are not saved: a stand-in
that is started again has none.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from aiohttp import web

from rehearsal.scaleway.api_errors import ApiError
from rehearsal.scaleway.context import Context
from rehearsal.scaleway.records import Record
from rehearsal.scaleway.request_body import RequestBody

OWN_PATHS = "/rehearsal/"
TIMEOUT = "timeout"
ANSWERS = (429, 500, 502, 503, 504)
LONGEST_SILENCE = 120
"""Seconds after which even a client that never gives up gets an end."""
TYPES = {429: "too_many_requests", 500: "internal_error", 502: "bad_gateway", 503: "unavailable", 504: "timeout"}


@dataclass
class Fault:
    """One kind of fault, for a number of requests or for some time."""

    answer: int | None
    """Status, or None for no answer at all."""
    method: str
    """Empty for any."""
    path: str
    """What the path must start with."""
    requests: int | None
    """How many more requests it hits, or None for all until `until`."""
    until: float | None
    """On the monotonic clock."""

    def hits(self, request: web.Request) -> bool:
        return self.method in ("", request.method) and request.path.startswith(self.path)

    def view(self) -> Record:
        """As it was ordered, with what is left of it."""
        left = None if self.until is None else max(0, round(self.until - time.monotonic()))
        narrowed = {"method": self.method, "path": self.path}
        return {"answer": self.answer or TIMEOUT, "requests": self.requests, "seconds": left, **narrowed}

    @property
    def over(self) -> bool:
        return self.requests == 0 or (self.until is not None and time.monotonic() > self.until)


class Faults:
    """The faults to come, and the routes that order them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._faults: list[Fault] = []
        self._ended = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/rehearsal/faults", self._list),
            web.post("/rehearsal/faults", self._order),
            web.delete("/rehearsal/faults", self._clear),
            web.get("/rehearsal/state", self._state),
        ]

    async def strike(self, request: web.Request) -> None:
        """Raise what a fault says a request must get, if one hits it."""
        if request.path.startswith(OWN_PATHS):
            return
        self._faults = [fault for fault in self._faults if not fault.over]
        for fault in self._faults:
            if fault.hits(request):
                if fault.requests is not None:
                    fault.requests -= 1
                if fault.answer is None:
                    await self._keep_silent(request)
                status = fault.answer or 504
                message = f"{TYPES[status].replace('_', ' ')}: the rehearsal ordered this fault"
                raise ApiError(status, {"type": TYPES[status], "message": message})

    def end(self) -> None:
        """No fault any more; whoever waits in silence gets an end."""
        self._faults.clear()
        shortage = self._context.shortage
        shortage.nodes = shortage.load_balancers = False
        self._ended.set()
        self._ended = asyncio.Event()

    async def _keep_silent(self, request: web.Request) -> None:
        ended, until = self._ended, time.monotonic() + LONGEST_SILENCE
        while not ended.is_set() and time.monotonic() < until and request.transport:
            await asyncio.sleep(0.1)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"faults": [fault.view() for fault in self._faults if not fault.over]})

    async def _order(self, request: web.Request) -> web.Response:
        body = await RequestBody.of(request)
        if body.flag("never_boot"):
            self._context.machines.fail_next_boot()
            body.check()
            return web.Response(status=204)
        for name in ("nodes", "load_balancers"):
            if body.flag(f"no_{name}"):
                setattr(self._context.shortage, name, True)
                body.check()
                return web.Response(status=204)
        silent = body.is_text("answer")
        answer = None if silent else body.integer("answer", 0)
        if (silent and body.text("answer") != TIMEOUT) or (not silent and answer not in ANSWERS):
            body.refuse("answer", f"answer must be one of {', '.join(map(str, ANSWERS))} or {TIMEOUT}")
        if ("requests" in body) == ("seconds" in body):
            body.refuse("requests", "say either requests or seconds")
        fault = Fault(
            answer=answer,
            method=body.text("method", "").upper(),
            path=body.text("path", ""),
            requests=body.integer("requests", 1, 1) if "requests" in body else None,
            until=time.monotonic() + body.integer("seconds", 1, 1) if "seconds" in body else None,
        )
        body.check()
        self._faults.append(fault)
        return web.Response(status=204)

    async def _clear(self, request: web.Request) -> web.Response:
        self.end()
        return web.Response(status=204)

    async def _state(self, request: web.Request) -> web.Response:
        """Counts of what somebody asked for; what Scaleway makes by itself for a project is not counted."""
        tables = self._context.store.tables()
        return web.json_response({name: sum(map(_asked_for, table)) for name, table in tables.items()})


def _asked_for(record: Record) -> bool:
    own = record.get("_own", False) or record.get("project_default", False) or record.get("is_default", False)
    return not own and record.get("_asked_for", True)
