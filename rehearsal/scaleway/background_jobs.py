"""Work that goes on behind the API while a resource is in a transitional state."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable

Job = Callable[[], Awaitable[None]]
Failed = Callable[[Exception], None]
_log = logging.getLogger(__name__)


class BackgroundJobs:
    """Runs jobs in the background, those of one resource one after the other."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)

    def start(self, resource: str, what: str, job: Job, failed: Failed) -> None:
        """Start a job of a resource (its id).

        what: for the log. failed: gets what the job raised, to put the resource into an error state.
        """
        task = asyncio.create_task(self._run(resource, what, job, failed))
        self._running[resource].add(task)
        task.add_done_callback(lambda done: self._forget(resource, done))

    async def settled(self, resource: str, limit: float) -> None:
        """Wait until a resource has no job left, at most `limit` seconds."""
        tasks = self._running.get(resource)
        if tasks:
            await asyncio.wait(tuple(tasks), timeout=limit)

    async def stop(self) -> None:
        """Cancel every job; the states in the store tell the next start what to resume."""
        tasks = [task for running in self._running.values() for task in running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, resource: str, what: str, job: Job, failed: Failed) -> None:
        async with self._turns[resource]:
            try:
                await job()
            except Exception as error:
                # Whatever the cause: the API must go on and show this one resource as broken.
                _log.exception("%s %s failed", what, resource)
                failed(error)

    def _forget(self, resource: str, done: asyncio.Task[None]) -> None:
        tasks = self._running[resource]
        tasks.discard(done)
        if not tasks:
            del self._running[resource]
            self._turns.pop(resource, None)
