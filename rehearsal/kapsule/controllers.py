"""The loop that every controller here shares: keep informers of the API, reconcile each object after each change.

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

from rehearsal.kapsule.kube import UNREACHABLE, Kube, KubeError, Object

_RECONNECT_SECONDS = 0.5
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 15.0
_LOG = logging.getLogger(__name__)


class NotReconciledError(Exception):
    """An object cannot be reconciled as things are; the text says why. Its owner has been told."""


class Informer:
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
            except (*UNREACHABLE, KubeError, json.JSONDecodeError) as error:
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
class Reconciler:
    """Function that brings each object of a kind to what it should be; called again after each change of anything."""

    of: Informer
    reconcile: Callable[[Object], Awaitable[None]]
    """May raise: the object is tried again later, and the others are not held up."""


async def run_controllers(
    changed: asyncio.Event, informers: Sequence[Informer], reconcilers: Sequence[Reconciler]
) -> None:
    """Follow the informers and run the reconcilers until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        for informer in informers:
            tasks.create_task(informer.follow())
        tasks.create_task(_reconcile(changed, informers, reconcilers))


async def _reconcile(changed: asyncio.Event, informers: Sequence[Informer], reconcilers: Sequence[Reconciler]) -> None:
    # Before everything is known, "there is no such Service" would be a guess.
    await asyncio.gather(*(informer.filled.wait() for informer in informers))
    retry = _FIRST_RETRY_SECONDS
    while True:
        changed.clear()
        done = await asyncio.gather(*(_try(each, object_) for each in reconcilers for object_ in each.of.objects))
        if all(done):
            retry = _FIRST_RETRY_SECONDS
            await changed.wait()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), retry)
            retry = min(retry * 2, _LAST_RETRY_SECONDS)


async def _try(reconciler: Reconciler, object_: Object) -> bool:
    name = "{namespace}/{name}".format(**{"namespace": "", **object_["metadata"]})
    try:
        await reconciler.reconcile(object_)
    except KubeError as error:
        if error.status in (404, 409):
            # It went or changed meanwhile; the watch brings what it is now.
            return error.status == 404
        _LOG.warning("%s: %s", name, error)
        return False
    except (NotReconciledError, *UNREACHABLE) as error:
        _LOG.warning("%s: %s", name, error)
        return False
    except Exception:
        _LOG.exception("%s could not be reconciled", name)
        return False
    return True


def _version(object_: Object) -> int:
    # Since Kubernetes 1.35, resource versions may be compared as numbers.
    return int(object_["metadata"]["resourceVersion"])
