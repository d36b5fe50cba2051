"""`command:remote:CopyToRemote`: a text, a file or a folder, to a host over SFTP.

Where it goes, as with the official provider:

| source         | destination is a folder | does not exist       | is a file   |
|----------------|-------------------------|----------------------|-------------|
| text           | error                   | destination          | overwritten |
| file           | destination/file        | destination          | overwritten |
| folder `name`  | destination/name        | destination/name     | error       |
| folder `name/` | destination             | destination          | error       |
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path, PurePosixPath
from typing import ClassVar, cast

import asyncssh

from rehearsal.plugins.command.connection import CONNECTION, Dialer
from rehearsal.plugins.command.execution import unique_id
from rehearsal.plugins.properties import ASSET, Asset, Properties, map_of, reveal, text_of
from rehearsal.plugins.provider_model import Call, Created, ProviderError, Resource
from rehearsal.plugins.schema import Failure, Field, Fields, Kind


class CopyToRemote(Resource[Dialer]):
    """Copies when it is created and when its source or destination changes; deleting leaves the copy."""

    fields: ClassVar[Fields] = {
        "connection": CONNECTION,
        "source": Field(kind=Kind.SOURCE, required=True),
        "remotePath": Field(kind=Kind.TEXT, required=True),
        "triggers": Field(kind=Kind.LIST, replaces=True),
    }
    outputs: ClassVar[frozenset[str]] = frozenset()

    def check(self, name: str, olds: Properties, news: Properties, seed: bytes) -> tuple[Properties, list[Failure]]:
        complete, failures = super().check(name, olds, news, seed)
        source = reveal(news.get("source"))
        if isinstance(source, Asset) and not source.path and (source.signature != ASSET or source.uri):
            failures.append(Failure("source", "source must be a text, a file or a folder of this machine."))
        return complete, failures

    async def create(self, call: Call[Dialer], inputs: Properties) -> Created:
        await _copy(call, inputs)
        return Created(unique_id(""), inputs)

    async def update(self, call: Call[Dialer], identity: str, state: Properties, inputs: Properties) -> Properties:
        if any(state.get(key) != inputs.get(key) for key in ("source", "remotePath")):
            await _copy(call, inputs)
        return inputs

    async def delete(self, call: Call[Dialer], identity: str, state: Properties) -> None:
        return


async def _copy(call: Call[Dialer], inputs: Properties) -> None:
    source = cast("Asset", inputs["source"])
    destination = PurePosixPath(text_of(inputs, "remotePath"))
    async with (
        call.configuration.connection(map_of(inputs, "connection"), call.log) as connection,
        _sftp(connection, destination) as sftp,
    ):
        if not source.path:
            await _write(sftp, destination, source.text.encode())
        elif await asyncio.to_thread(Path(source.path).is_dir):
            await _folder(sftp, source.path, destination)
        else:
            await _file(sftp, Path(source.path), destination)


@contextlib.asynccontextmanager
async def _sftp(
    connection: asyncssh.SSHClientConnection, destination: PurePosixPath
) -> AsyncGenerator[asyncssh.SFTPClient]:
    try:
        async with connection.start_sftp_client() as sftp:
            yield sftp
    except (OSError, asyncssh.Error) as error:
        raise ProviderError(f"{destination} could not be written over SFTP: {error}.") from error


async def _write(sftp: asyncssh.SFTPClient, destination: PurePosixPath, content: bytes) -> None:
    if await sftp.isdir(str(destination)):
        raise ProviderError(f"{destination} is a folder: a text needs a remotePath that names a file.")
    await sftp.makedirs(str(destination.parent), exist_ok=True)
    async with sftp.open(str(destination), "wb") as file:
        await file.write(content)


async def _file(sftp: asyncssh.SFTPClient, source: Path, destination: PurePosixPath) -> None:
    content = await asyncio.to_thread(source.read_bytes)
    if await sftp.isdir(str(destination)):
        destination /= source.name
    await _write(sftp, destination, content)


async def _folder(sftp: asyncssh.SFTPClient, source: str, destination: PurePosixPath) -> None:
    root = Path(source)
    if not source.endswith("/"):
        destination /= root.name
    for path in [root, *sorted(await asyncio.to_thread(lambda: list(root.rglob("*"))))]:
        target = destination / PurePosixPath(path.relative_to(root))
        if path.is_dir():
            if await sftp.isfile(str(target)):
                raise ProviderError(f"{target} is a file on the host, but {path} is a folder here.")
            await sftp.makedirs(str(target), exist_ok=True)
        else:
            await _write(sftp, target, await asyncio.to_thread(path.read_bytes))
