"""A small client of the Kubernetes API: objects as plain dictionaries, and a watch that never ends."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

Object = dict[str, Any]


class KubeError(Exception):
    """The API refused a request; status is its HTTP code."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the Kubernetes API answered {status}: {text}")
        self.status = status


class Kube:
    """The API of one cluster, with an administrator's token."""

    def __init__(self, server: str, authority: Path, token: str) -> None:
        self._server = server
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, path: str, body: Object | None = None, *, content_type: str = "application/json"
    ) -> Object:
        """One request. Raises KubeError for what the API refuses, OSError while it does not answer."""
        headers = {**self._headers, "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        async with self._open().request(
            method, self._server + path, data=data, headers=headers, ssl=self._tls
        ) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise KubeError(answer.status, text)
            return json.loads(text) if text.startswith("{") else {"text": text}

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Object:
        """A JSON merge patch (RFC 7386)."""
        return await self.call("PATCH", path, dict(patch), content_type="application/merge-patch+json")

    async def delete(self, path: str) -> None:
        """Delete an object; nothing happens if it is gone."""
        try:
            await self.call("DELETE", path)
        except KubeError as error:
            if error.status != 404:
                raise

    async def watch(self, path: str) -> AsyncGenerator[tuple[str, Object]]:
        """Every object below a path now (as ADDED) and each change of one; begins anew when the API breaks off."""
        while True:
            try:
                listed = await self.call("GET", path)
                for item in listed["items"]:
                    yield "ADDED", item
                async for event in self._changes(path, listed["metadata"]["resourceVersion"]):
                    yield event
            except (aiohttp.ClientError, OSError, KubeError):
                # The control plane may be starting again; whoever watches must not end with it.
                await asyncio.sleep(0.5)

    async def _changes(self, path: str, version: str) -> AsyncGenerator[tuple[str, Object]]:
        url = f"{self._server}{path}?watch=1&resourceVersion={version}"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._open().get(url, headers=self._headers, ssl=self._tls, timeout=timeout) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Watched objects, such as secrets of Helm, may be longer than aiohttp's 64 KiB a line.
            self._session = aiohttp.ClientSession(read_bufsize=2**22)
        return self._session
