"""The loop that every controller here shares: mirror the API, and settle each object after each change.

Level-triggered, as Kubernetes' own controllers are: what is done follows from what the API holds now,
never from which event was seen, so a missed event or a restart does no harm. A rehearsal's clusters
hold some dozens of such objects; looking at all of them each time is simpler than queues, and cheap.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rehearsal.kapsule.kube import TROUBLE, Kube, KubeError, Object

_RECONNECT_SECONDS = 0.5
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 15.0
_LOG = logging.getLogger(__name__)


class UnsettledError(Exception):
    """An object cannot be settled as things are; the text says why. Its owner has been told."""


class Mirror:
    """What the API holds below one path, as of a moment ago."""

    def __init__(self, kube: Kube, path: str, changed: asyncio.Event) -> None:
        self._kube = kube
        self._path = path
        self._changed = changed
        self._objects: dict[str, Object] = {}
        self.filled = asyncio.Event()
        """Set once it has held everything."""

    @property
    def objects(self) -> list[Object]:
        return list(self._objects.values())

    def note(self, object_: Object) -> None:
        """Take in what the API just answered, ahead of the watch."""
        uid: str = object_["metadata"]["uid"]
        known = self._objects.get(uid)
        if known is None or _version(object_) > _version(known):
            self._objects[uid] = object_

    async def follow(self) -> None:
        """Keep up with the API until cancelled, through its restarts too."""
        while True:
            try:
                await self._follow_once()
            # A watch that is cut off may end in the middle of a line of JSON.
            except (*TROUBLE, KubeError, json.JSONDecodeError) as error:
                _LOG.debug("%s: %s", self._path, error)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _follow_once(self) -> None:
        listed = await self._kube.call("GET", self._path)
        self._objects = {item["metadata"]["uid"]: item for item in listed["items"]}
        self.filled.set()
        self._changed.set()
        async for kind, object_ in self._kube.changes(self._path, listed["metadata"]["resourceVersion"]):
            if kind == "DELETED":
                self._objects.pop(object_["metadata"]["uid"], None)
            else:
                self.note(object_)
            self._changed.set()


@dataclass(frozen=True)
class Duty:
    """What is to be done about each object of a kind; called again after each change of anything."""

    of: Mirror
    settle: Callable[[Object], Awaitable[None]]
    """May raise: the object is tried again later, and the others are not held up."""


async def attend(changed: asyncio.Event, mirrors: Sequence[Mirror], duties: Sequence[Duty]) -> None:
    """Follow the mirrors and do the duties until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for mirror in mirrors:
            tasks.create_task(mirror.follow())
        tasks.create_task(_settle(changed, mirrors, duties))


async def _settle(changed: asyncio.Event, mirrors: Sequence[Mirror], duties: Sequence[Duty]) -> None:
    # Before everything is known, "there is no such Service" would be a guess.
    await asyncio.gather(*(mirror.filled.wait() for mirror in mirrors))
    retry = _FIRST_RETRY_SECONDS
    while True:
        changed.clear()
        settled = await asyncio.gather(*(_try(duty, object_) for duty in duties for object_ in duty.of.objects))
        if all(settled):
            retry = _FIRST_RETRY_SECONDS
            await changed.wait()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), retry)
            retry = min(retry * 2, _LAST_RETRY_SECONDS)


async def _try(duty: Duty, object_: Object) -> bool:
    name = "{namespace}/{name}".format(**{"namespace": "", **object_["metadata"]})
    try:
        await duty.settle(object_)
    except KubeError as error:
        if error.status in (404, 409):
            # It went or changed meanwhile; the watch brings what it is now.
            return error.status == 404
        _LOG.warning("%s: %s", name, error)
        return False
    except (UnsettledError, *TROUBLE) as error:
        _LOG.warning("%s: %s", name, error)
        return False
    except Exception:
        _LOG.exception("%s could not be settled", name)
        return False
    return True


def _version(object_: Object) -> int:
    # Since Kubernetes 1.35, resource versions may be compared as numbers.
    return int(object_["metadata"]["resourceVersion"])
