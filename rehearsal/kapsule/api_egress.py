"""HTTP CONNECT proxy by which a cluster's API server reaches pods, Services and the kubelet: webhooks, logs, exec.

The API server runs on this machine, where no pod and no Service has an address; Kapsule's reaches them through its
nodes too. Connections are opened in the network name space of the node, and in nobody's name: those of the node's own
root are not judged by NetworkPolicies.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/ (EgressSelectorConfiguration)
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
from pathlib import Path

from rehearsal.kapsule.command_lines import EGRESS_SOCKET

_NOBODY = 65534
_CONNECT_SECONDS = 10.0
_CHUNK = 256 * 1024
_LIBRARY = ctypes.CDLL(None, use_errno=True)


class ApiEgress:
    """The proxy of one cluster, at a socket in the cluster's folder.

    node: id of the first process of the cluster's node; None while none runs, and every connection is refused.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: asyncio.Server | None = None
        self.node: int | None = None

    async def open(self) -> None:
        (self._folder / EGRESS_SOCKET).unlink(missing_ok=True)
        # The name of a socket has 107 bytes at most, and the folder's may have more.
        folder = os.open(self._folder, os.O_PATH)
        try:
            self._server = await asyncio.start_unix_server(self._take, f"/proc/self/fd/{folder}/{EGRESS_SOCKET}")
        finally:
            os.close(folder)

    async def close(self) -> None:
        if self._server:
            self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = (await reader.readuntil(b"\r\n\r\n")).decode().split()
            host, _, port = asked[1].rpartition(":")
            try:
                far_reader, far_writer = await self._connect(host.strip("[]"), int(port))
            except OSError as error:
                writer.write(f"HTTP/1.1 502 Bad Gateway\r\n\r\n{error}\n".encode())
                return
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            try:
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
            finally:
                far_writer.close()
        except (OSError, asyncio.IncompleteReadError, ValueError, IndexError):
            pass  # One end has gone away, or asked for nothing that could be understood; both see the other close.
        finally:
            writer.close()

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.node is None:
            raise ConnectionRefusedError(f"no node runs that would lead to {host}:{port}")
        opened = await asyncio.to_thread(_socket_of, self.node)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(opened, (host, port))
            return await asyncio.open_connection(sock=opened)
        except BaseException:
            opened.close()
            raise


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


def _socket_of(process: int) -> socket.socket:
    """A socket in the network name space of a process, owned by nobody; this thread goes back to its own."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        target = os.open(Path("/proc", str(process), "ns/net"), os.O_RDONLY)
        try:
            _enter(target)
        finally:
            os.close(target)
        before = _LIBRARY.setfsuid(_NOBODY)
        try:
            opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        finally:
            _LIBRARY.setfsuid(before)
            _enter(own)
    finally:
        os.close(own)
    opened.setblocking(False)
    return opened


def _enter(name_space: int) -> None:
    if _LIBRARY.setns(name_space, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
