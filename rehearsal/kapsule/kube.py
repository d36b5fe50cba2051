"""A small client of the Kubernetes API: objects as plain dictionaries."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import aiohttp

Object = dict[str, Any]

UNREACHABLE = (aiohttp.ClientError, OSError)
"""What is raised while an API does not answer."""


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
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, content_type: str = "application/json"
    ) -> Object:
        """One request. Raises KubeError for what the API refuses, one of UNREACHABLE while it does not answer."""
        headers = {**self._headers, "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        async with self._open().request(
            method, self._server + path, data=data, headers=headers, ssl=self._tls
        ) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise KubeError(answer.status, text)
            return json.loads(text) if text.startswith("{") else {"text": text}

    async def create(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object below a path; nothing happens if it is there."""
        try:
            await self.call("POST", path, body)
        except KubeError as error:
            if error.status != 409:
                raise

    async def apply(self, path: str, body: Mapping[str, Any]) -> Object:
        """Server-side apply: the object gets these fields, and loses those applied before and now left out."""
        return await self.call(
            "PATCH",
            f"{path}?fieldManager=kapsule-stand-in&force=true",
            body,
            content_type="application/apply-patch+yaml",
        )

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Object:
        """A JSON merge patch (RFC 7386)."""
        return await self.call("PATCH", path, patch, content_type="application/merge-patch+json")

    async def delete(self, path: str) -> None:
        """Delete an object; nothing happens if it is gone."""
        try:
            await self.call("DELETE", path)
        except KubeError as error:
            if error.status != 404:
                raise

    async def items(self, path: str) -> list[Object]:
        """Every object of a collection."""
        return (await self.call("GET", path))["items"]

    async def changes(self, path: str, version: str) -> AsyncGenerator[tuple[str, Object]]:
        """Each change (ADDED, MODIFIED or DELETED, and the object) since a version, until the API breaks off."""
        url = f"{self._server}{path}?watch=1&resourceVersion={version}"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._open().get(url, headers=self._headers, ssl=self._tls, timeout=timeout) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]

    async def close(self) -> None:
        """Drop the connections; the next call opens new ones."""
        if self._session:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # etcd takes objects of up to 1.5 MiB, and a watch sends each as one line.
            self._session = aiohttp.ClientSession(read_bufsize=2**22)
        return self._session
